// Package namespace jails untrusted code with what the Linux kernel itself offers, and with nothing else.
//
// Three kinds of process take part:
//
//	server   the big one; it never forks into a jail, for a fork copies its page tables
//	spawner  the same binary, small and long-lived; it holds the unpacked code in memory that only it can see, and forks the jails
//	jail     a process 1 that reaps and forwards signals, and the untrusted program with its children
//
// The spawner is process 1 of a process namespace of its own: when it dies, the kernel kills every jail.
// It ends when the server's end of their socket closes, so nothing survives a server that was killed.
//
// A jail is set up by a program: a list of system calls that the spawner prepares in ordinary Go and that the forked
// child performs one by one (program.go). Nothing is executed between the fork and the untrusted program, which makes
// a start cheap and leaves a process 1 that costs a few pages (kit.go). Process 1 then runs programs at the spawner's
// word (first.go): at once, or later in a jail that was prepared; one, or several beside each other.
package namespace
