package fleet

import (
	"bufio"
	"fmt"
	"os"
	"slices"
)

// lowMemory is how little of the host's memory may be left before idle environments are given up for it.
const lowMemory = 0.1

// memoryLeft is the share of the host's memory that is available; 1 where the system does not tell.
func memoryLeft() float64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 1
	}
	defer f.Close()
	var total, available float64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fmt.Sscanf(lines.Text(), "MemTotal: %f", &total)
		fmt.Sscanf(lines.Text(), "MemAvailable: %f", &available)
	}
	if total == 0 || available == 0 {
		return 1
	}
	return available / total
}

// oldestLocked takes out the half of all idle environments that has been idle longest.
func (f *Fleet) oldestLocked() []*environment {
	var all []*environment
	for at, p := range f.pools {
		if !at.provisioned {
			all = append(all, p.idle...)
		}
	}
	slices.SortFunc(all, func(a, b *environment) int { return a.idleSince.Compare(b.idleSince) })
	old := all[:(len(all)+1)/2]
	for _, e := range old {
		e.pool.removeLocked(e)
		e.state = ended
	}
	return old
}
