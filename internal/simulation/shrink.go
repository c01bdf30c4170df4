package simulation

// Shrink returns the shortest part of a history that it finds to fail by the same oracle as the whole, and how that part fails. It plays at most so many
// histories, with play, which is [History.Play] or a stand-in for it.
func Shrink(h *History, f *Failure, play func(*History) *Failure, plays int) (*History, *Failure) {
	for size := (len(h.Steps) + 1) / 2; size > 0 && plays > 0; {
		shorter, failure := shrinkBy(h, f, play, size, &plays)
		if shorter == nil {
			size /= 2
			continue
		}
		h, f = shorter, failure
		size = min(size, (len(h.Steps)+1)/2)
	}
	return h, f
}

// shrinkBy leaves out as many runs of so many steps as it can; nil if there is none.
func shrinkBy(h *History, f *Failure, play func(*History) *Failure, size int, plays *int) (shorter *History, failure *Failure) {
	for from := len(h.Steps) - size; from > -size && *plays > 0; from -= size {
		less := h.without(func(i int) bool { return from <= i && i < from+size })
		*plays--
		if got := play(less); got != nil && got.Oracle == f.Oracle {
			h, shorter, failure = less, less, got
		}
	}
	return shorter, failure
}
