package simulation

// set is a set of small numbers. The zero value is empty.
type set []uint64

func (s *set) add(n int) {
	for len(*s) <= n/64 {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

func setOf(ns []int) (s set) {
	for _, n := range ns {
		s.add(n)
	}
	return s
}

func (s set) has(n int) bool { return n/64 < len(s) && s[n/64]>>(n%64)&1 == 1 }

func (s *set) addAll(other set) {
	for n := range len(other) * 64 {
		if other.has(n) {
			s.add(n)
		}
	}
}

// lacks returns the smallest number of other that is not in s; -1 if there is none.
func (s set) lacks(other set) int {
	for n := range len(other) * 64 {
		if other.has(n) && !s.has(n) {
			return n
		}
	}
	return -1
}
