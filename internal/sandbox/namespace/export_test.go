//go:build linux

package namespace

// GroupName names the control groups of one server.
var GroupName = groupName
