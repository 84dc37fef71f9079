// Package endtoend holds no code: its tests run the real program as a child process, and take it to its limits.
//
// They are short by default. REDOUBT_CAMPAIGN, a duration such as 60s, makes each of the two campaigns (make soak, make
// crash) as long as it says.
package endtoend
