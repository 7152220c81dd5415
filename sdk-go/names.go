package rockqueue

import "strings"

// What the contract names in upper case with a prefix is the name alone here: of states and reasons as it is ("RUNNING"),
// of options in lower case ("fire_once").

// unknownName stands for a value that a newer server has and this version does not.
const unknownName = "UNKNOWN"

// nameOf is the name of a value without its prefix; empty for one that is not set.
func nameOf[Number ~int32](number Number, names map[int32]string, prefix string) string {
	if number == 0 {
		return ""
	}
	if name, ok := names[int32(number)]; ok {
		return strings.TrimPrefix(name, prefix)
	}
	return unknownName
}

// optionOf is nameOf for an option.
func optionOf[Number ~int32](number Number, names map[int32]string, prefix string) string {
	return strings.ToLower(nameOf(number, names, prefix))
}

// numberOf is the value of a name; 0 for an empty one.
func numberOf[Number ~int32](name string, numbers map[string]int32, prefix, what string) (Number, error) {
	if name == "" {
		return 0, nil
	}
	number, ok := numbers[prefix+strings.ToUpper(name)]
	if !ok || number == 0 {
		return 0, misuse("%q is not %s", name, what)
	}
	return Number(number), nil
}
