// Package config reads core.yaml and orderer.yaml, Fabric's configuration files, into typed structs.
//
// A file is found as Fabric finds it (FABRIC_CFG_PATH, else the working directory, else /etc/hyperledger/fabric). Key names are
// case-insensitive. Every key can be overridden by an environment variable made of CORE_ or ORDERER_ and the key in upper case with
// underscores for dots, whether or not the file has the key. Paths that Fabric reads relative to the file are made absolute against
// the file's directory.
//
// Invariants: the environment arrives as an argument, so loading is a pure function of its inputs and the file. A key that Fabric
// knows and Heddle does not use yields a Notice, to be logged once; so does, in core.yaml, a key that is like no known one. A misspelt
// key, a value of the wrong form, or a key given twice is a Problem with file and line; loading reports all of them at once. Validate,
// which a server calls and a client command need not, checks what only makes sense as a whole.
//
// The struct tags are the list of keys that are used; known.go lists the others.
package config
