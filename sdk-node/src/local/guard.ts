// Keeps a child process from outliving this one, also when this one is killed with -9.

/**
 * A shell that runs a command and ends it when its own standard input ends, which the kernel closes with this process.
 * The first argument is a folder to remove afterwards, the others are the command.
 */
export const GUARD = `
folder=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
( read -r _ <&3; kill -TERM "$server"; sleep 5; kill -KILL "$server" ) 2>/dev/null &
watcher=$!
wait "$server"
status=$?
kill "$watcher"
rm -rf "$folder"
exit "$status"
`;
