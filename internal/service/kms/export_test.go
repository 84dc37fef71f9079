package kms

// RunDueAt does what the background work does, at another time.
var RunDueAt = (*Service).runDueAt
