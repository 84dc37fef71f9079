package logs

import "container/heap"

// A merge yields the events of many lanes in one order. A lane is not read before its turn.
type merge struct {
	reader *reader
	lanes  []*lane
}

func (r *reader) merge(lanes []*lane) *merge {
	m := &merge{r, lanes}
	heap.Init(m)
	return m
}

// next returns the next event, or nil at the end.
func (m *merge) next() (*entry, error) {
	for len(m.lanes) > 0 {
		l := m.lanes[0]
		if e := l.head; e != nil {
			l.head, l.behind = nil, e.at
			return e, nil
		}
		ok, err := l.peek()
		if err != nil {
			return nil, err
		}
		if ok {
			heap.Fix(m, 0)
		} else {
			heap.Pop(m)
		}
	}
	return nil, nil
}

// place is where the lane's next event is, or at least not before.
func (l *lane) place() position {
	if l.head != nil {
		return l.head.at
	}
	return l.behind
}

func (m *merge) Len() int           { return len(m.lanes) }
func (m *merge) Less(i, j int) bool { return m.reader.before(m.lanes[i].place(), m.lanes[j].place()) }
func (m *merge) Swap(i, j int)      { m.lanes[i], m.lanes[j] = m.lanes[j], m.lanes[i] }
func (m *merge) Push(l any)         { m.lanes = append(m.lanes, l.(*lane)) }
func (m *merge) Pop() any {
	last := m.lanes[len(m.lanes)-1]
	m.lanes = m.lanes[:len(m.lanes)-1]
	return last
}
