package resolution

// Base returns the value that the makers of all rivals had before them: that which the property has if what all rivals have
// seen were all there is. There is none if nothing that all have seen wrote the property, if the property or the record was gone
// there, or if it was in conflict there already.
func (c *Conflict) Base() (value string, ok bool) {
	p := newPast(c.graph)
	p.begin(c.Prop)
	rivals, _ := p.rivals()
	p.narrow(rivals)
	at, lives := p.rivals()
	if !lives || len(at) == 0 {
		return "", false
	}
	before := p.writes(at)
	if !agree(before) || c.Rule == RuleSum && eachCounts(before) {
		return "", false
	}
	return before[0].Value, before[0].Value != ""
}
