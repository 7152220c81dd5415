package rockqueue

// Version is the version of this module.
const Version = "0.1.0"

// clientName is what a server sees of this module: in user agents and worker sessions.
const clientName = "rockqueue-go/" + Version
