package resolution_test

import (
	"fmt"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/resolution"
)

// ruled merges a history in which "_" stands for a space in values and "^" for all other white space, all properties under one rule, and writes what
// holds for p and why: "17 by rule", "null by ask", "15" where nothing is in conflict.
func ruled(rule resolution.Rule, text string) (shown, asks string) {
	entries := history(text)
	space := strings.NewReplacer("_", " ", "^", "\t\n\v\f\r")
	for _, e := range entries {
		for name, pc := range e.Change.Props {
			pc.Old.Text, pc.New.Text = space.Replace(pc.Old.Text), space.Replace(pc.New.Text)
			e.Change.Props[name] = pc
		}
	}
	r := resolution.Merge(ticket, entries, nil, func(string) resolution.Rule { return rule })
	shown = orNull(r.Props["p"])
	if c := r.Conflict("p"); c != nil {
		return shown + " by " + c.Why, c.Asks
	}
	return shown, ""
}

// ruleTable is a table of histories with what holds for p by a rule.
type ruleTable []struct{ name, history, want string }

func (table ruleTable) run(t *testing.T, rule resolution.Rule) {
	t.Helper()
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			t.Helper()
			if got, _ := ruled(rule, test.history); got != test.want {
				t.Errorf("by %s\n  %s\ngot  %s\nwant %s", rule, strings.ReplaceAll(test.history, ";", "\n "), got, test.want)
			}
		})
	}
}

func TestRuleLatestIsAsWithoutARule(t *testing.T) {
	table := ruleTable{{"latest", "a1 create < p=1; b1 update <a1 p=1>9; c1 update <a1 p=1>2", "2 by latest"}}
	table.run(t, resolution.RuleLatest)
	table.run(t, "")
	table.run(t, "nonsense")
}

func TestRuleMaxTakesTheGreatestNumber(t *testing.T) {
	ruleTable{
		{"of two", "a1 create < p=1; b1 update <a1 p=1>10; c1 update <a1 p=1>9", "10 by rule"},
		{"of three", "a1 create < p=1; b1 update <a1 p=1>9; c1 update <a1 p=1>10; d1 update <a1 p=1>2", "10 by rule"},
		{"of the rivals alone", "a1 create < p=99; b1 update <a1 p=99>10; c1 update <a1 p=99>9", "10 by rule"},
		{"below zero", "a1 create < p=1; b1 update <a1 p=1>-1; c1 update <a1 p=1>-2", "-1 by rule"},
		{"null is least", "a1 create < p=1; b1 update <a1 p=1>-5; c1 update <a1 p=1>", "-5 by rule"},
		{"so is the empty text", `a1 create < p=1; b1 update <a1 p=1>-5; c1 update <a1 p=1>""`, "-5 by rule"},
		{"of equal numbers the latest, as it is written", "a1 create < p=1; b1 update <a1 p=1>2.0; c1 update <a1 p=1>+2; d1 update <a1 p=1>-0", "+2 by rule"},
		{"the null of a re-creation", "a1 create < p=1; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=1>-3", "-3 by rule"},
		{"nothing is in conflict", "a1 create < p=5; b1 update <a1 p=5>1", "1"},
		{"a decision holds", "a1 create < p=1; b1 update <a1 p=1>10; c1 update <a1 p=1>9; d1 update <b1,c1 p=10>9", "9"},
		{"no number: it asks", "a1 create < p=1; b1 update <a1 p=1>10; c1 update <a1 p=1>x", "1 by ask"},
		{"what it falls back to may be none", "a1 create < p=y; b1 update <a1 p=y>10; c1 update <a1 p=y>x", "y by ask"},
		{"asked about rivals of rivals, it goes back to them", "a1 create < p=1; b1 update <a1 p=1>5; c1 update <a1 p=1>3; b2 update <b1,c1 p=5>x; c2 update <b1,c1 p=5>y", "5 by ask"},
		{"and past what asks there, too", "a1 create < p=1; b1 update <a1 p=1>5; c1 update <a1 p=1>z; b2 update <b1,c1 p=1>x; c2 update <b1,c1 p=1>y", "1 by ask"},
		{"a text that is too long is none", "a1 create < p=1; b1 update <a1 p=1>" + strings.Repeat("9", 1001) + "; c1 update <a1 p=1>2", "1 by ask"},
		{"one that is not is", "a1 create < p=1; b1 update <a1 p=1>" + strings.Repeat("9", 1000) + "; c1 update <a1 p=1>2", strings.Repeat("9", 1000) + " by rule"},
	}.run(t, resolution.RuleMax)
}

func TestRuleMinTakesTheLeastNumber(t *testing.T) {
	ruleTable{
		{"of two", "a1 create < p=1; b1 update <a1 p=1>9; c1 update <a1 p=1>10", "9 by rule"},
		{"below zero", "a1 create < p=1; b1 update <a1 p=1>-2.5; c1 update <a1 p=1>-2", "-2.5 by rule"},
		{"null is least", "a1 create < p=1; b1 update <a1 p=1>; c1 update <a1 p=1>-5", "null by rule"},
		{"of equal numbers the latest, as it is written", "a1 create < p=1; b1 update <a1 p=1>2.0; c1 update <a1 p=1>02; d1 update <a1 p=1>3", "02 by rule"},
		{"the null of a re-creation", "a1 create < p=1; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=1>-3", "null by rule"},
		{"no number: it asks", "a1 create < p=1; b1 update <a1 p=1>0; c1 update <a1 p=1>1e9", "1 by ask"},
	}.run(t, resolution.RuleMin)
}

func TestRuleUnionTakesTheElementsOfAll(t *testing.T) {
	ruleTable{
		{"the latest list, then the rest by bytes", "a1 create < p=a; b1 update <a1 p=a>z_b; c1 update <a1 p=a>c_a; d1 update <a1 p=a>y", "y a b c z by rule"},
		{"each once", "a1 create < p=a; b1 update <a1 p=a>b_a_b; c1 update <a1 p=a>c_b_c", "c b a by rule"},
		{"any white space separates", "a1 create < p=a; b1 update <a1 p=a>b__d; c1 update <a1 p=a>_c^x", "c x b d by rule"},
		{"commas separate if any list has one", "a1 create < p=a; b1 update <a1 p=a>b_d; c1 update <a1 p=a>c,x", "c,x,b d by rule"},
		{"white space around elements does not count", "a1 create < p=a; b1 update <a1 p=a>_b_; c1 update <a1 p=a>c_,x", "c,x,b by rule"},
		{"joined with a space if any list has that", "a1 create < p=a; b1 update <a1 p=a>b,_d; c1 update <a1 p=a>c,x", "c, x, b, d by rule"},
		{"empty elements are none", "a1 create < p=a; b1 update <a1 p=a>b,,d,; c1 update <a1 p=a>,c", "c,b,d by rule"},
		{"null is the empty list", "a1 create < p=a; b1 update <a1 p=a>b_a; c1 update <a1 p=a> @1", "b a by rule"},
		{"the latest, too", "a1 create < p=a; b1 update <a1 p=a>b_a; c1 update <a1 p=a>", "a b by rule"},
		{"the null of a re-creation too", "a1 create < p=a; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=a>a_c", "a c by rule"},
		{"commas alone are the empty list", "a1 create < p=a; b1 update <a1 p=a>,; c1 update <a1 p=a>", "null by rule"},
		{"an element that one has removed stays", "a1 create < p=a_b; b1 update <a1 p=a_b>a; c1 update <a1 p=a_b>a_b_c", "a b c by rule"},
		{"a decision holds", "a1 create < p=a; b1 update <a1 p=a>b; c1 update <a1 p=a>c; d1 update <b1,c1 p=c_b>a", "a"},
	}.run(t, resolution.RuleUnion)
}

func TestRuleSumAddsWhatAllHaveChanged(t *testing.T) {
	const two = "a1 create < p=10; b1 update <a1 p=10>15; c1 update <a1 p=10>12; "
	ruleTable{
		{"both differences", two, "17 by rule"},
		{"each write on the way counts once", two + "b2 update <b1 p=15>14", "16 by rule"},
		{"what only one has seen counts once, too", two + "d1 update <b1,c1 p=17>20; f1 update <c1 p=12>13", "21 by rule"},
		{"a write that has seen all decides", two + "d1 update <b1,c1 p=17>20", "20"},
		{"and what comes after it goes on from there", two + "d1 update <b1,c1 p=17>20; e1 update <d1 p=20>21; f1 update <d1 p=20>19", "20 by rule"},
		{"what was there may be a sum itself", two + "d1 update <b1,c1 p=17>20; e1 update <b1,c1 p=17>18", "21 by rule"},
		{"and so on", two + "d1 update <b1,c1 p=17>20; e1 update <b1,c1 p=17>18; d2 update <d1,e1 p=21>22; e2 update <d1,e1 p=21>31", "32 by rule"},
		{"two that count the same are two", "a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11", "12 by rule"},
		{"three are three", "a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11; d1 update <a1 p=10>11", "13 by rule"},
		{"also where one has counted on the way", "a1 create < p=10; b1 update <a1 p=10>11; b2 update <b1 p=11>12; c1 update <a1 p=10>12", "14 by rule"},
		{"two that change nothing", "a1 create < p=10; b1 update <a1 p=10>10; c1 update <a1 p=10>10", "10 by rule"},
		{"who has seen both decides", "a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11; d1 update <b1,c1 p=12>11", "11"},
		{"two who decide the same have each counted", two + "d1 update <b1,c1 p=17>16; e1 update <b1,c1 p=17>16", "15 by rule"},
		{"what was there may come of equal ones", "a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11; d1 update <b1,c1 p=12>13; e1 update <b1,c1 p=12>13", "14 by rule"},
		{"and so on", "a1 create < p=1; b1 update <a1 p=1>2; c1 update <a1 p=1>2; d1 update <b1,c1 q=v; b2 update <d1 p=3>4; c2 update <d1 p=3>5", "6 by rule"},
		{"two that create it alike", "a1 create < p=5; b1 create < p=5", "10 by rule"},
		{"two that remove it", "a1 create < p=10; b1 update <a1 p=10>; c1 update <a1 p=10>", "-10 by rule"},
		{"two that are no number agree", "a1 create < p=10; b1 update <a1 p=10>x; c1 update <a1 p=10>x", "x"},
		{"also over what is none", "a1 create < p=x; b1 update <a1 p=x>11; c1 update <a1 p=x>11", "11"},
		{"and that is where others go on from", "a1 create < p=x; b1 update <a1 p=x>11; c1 update <a1 p=x>11; d1 update <b1,c1 p=11>12; e1 update <b1,c1 p=11>12", "13 by rule"},
		{"two re-creations imply no more than one", "a1 create < p=5; a2 delete <a1; b1 create <a2 q=v; c1 create <a2 q=w", "null"},
		{"a removal beside one that is implied", "a1 create < p=5; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=5>", "0 by rule"},
		{"bare ones that name another value", "a1 create < p=10; b1 update p=10>11; c1 update p=10>11", "12 by rule"},
		{"a bare one that names that value has seen it", "a1 create < p=10; b1 update p=10>11; c1 update p=11>11", "11"},
		{"null is 0", "a1 create <; b1 update <a1 p=5; c1 update <a1 p=2.5", "7.5 by rule"},
		{"a removal takes all away", "a1 create < p=10; b1 update <a1 p=10>; c1 update <a1 p=10>12", "2 by rule"},
		{"the sum may be 0", "a1 create < p=10; b1 update <a1 p=10>; c1 update <a1 p=10>10", "0 by rule"},
		{"two that create it", "a1 create < p=5; b1 create < p=2", "7 by rule"},
		{"as many decimals as the summand with most", "a1 create < p=1.50; b1 update <a1 p=1.50>2; c1 update <a1 p=1.50>1.5", "2.00 by rule"},
		{"exactly", "a1 create < p=0; b1 update <a1 p=0>0.1; c1 update <a1 p=0>0.2", "0.3 by rule"},
		{"the null that a re-creation implies adds nothing", "a1 create < p=5; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=5>7", "7 by rule"},
		{"a re-creation that names it adds that to nothing", "a1 create < p=5; a2 delete <a1; b1 create <a2 p=4; c1 create <a2 p=3", "7 by rule"},
		{"a null that is named takes away", "a1 create < p=5; a2 delete <a1; b1 create <a2 p=5>; c1 update <a1 p=5>7", "2 by rule"},
		{"one that is no number: it asks", two + "d1 update <a1 p=10>x", "10 by ask"},
		{"an old value that is none: it asks", "a1 create < p=10; b1 update <a1 p=x>15; c1 update <a1 p=10>12", "10 by ask"},
		{"what was there is none: it asks", "a1 create < p=x; b1 update <a1 p=0>15; c1 update <a1 p=0>12", "x by ask"},
		{"what was overruled counts, number or not", two + "b2 update <b1 p=x>20", "10 by ask"},
		{"it asked where they began, and goes on from there", two + "d1 update <a1 p=10>x; e1 update <b1,c1,d1 p=10>11; f1 update <b1,c1,d1 p=10>12", "13 by rule"},
		{"an overlong sum: it asks", "a1 create < p=1; b1 update <a1 p=0>" + strings.Repeat("9", 1000) + "; c1 update <a1 p=1>2", "1 by ask"},
		{"bare writes that name the same value", "a1 create < p=10; b1 update p=10>15; c1 update p=10>12", "17 by rule"},
		{"a bare deletion has seen what is earlier", "a1 create < p=10; b1 delete; c1 create <b1 p=4; d1 create <b1 p=3", "7 by rule"},
	}.run(t, resolution.RuleSum)
}

func TestRuleAskLeavesWhatWasThere(t *testing.T) {
	const two = "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; "
	ruleTable{
		{"what all have seen", two, "x by ask"},
		{"nothing", "a1 create <; b1 update <a1 p=y; c1 update <a1 p=z", "null by ask"},
		{"nobody has seen anybody", "a1 create < p=x; b1 create < p=y", "null by ask"},
		{"the last that all have seen", "a1 create < p=x; a2 update <a1 p=x>w; b1 update <a2 p=w>y; c1 update <a2 p=w>z", "w by ask"},
		{"not what some have seen", "a1 create < p=x; a2 update <a1 p=x>w; b1 update <a2 p=w>y; c1 update <a1 p=x>z", "x by ask"},
		{"a removal that all have seen", "a1 create < p=x; a2 update <a1 p=x>; b1 update <a2 p=>y; c1 update <a2 p=>z", "null by ask"},
		{"a decision holds", two + "d1 update <b1,c1 p=x>z", "z"},
		{"and is what was there later", two + "d1 update <b1,c1 p=x>z; e1 update <d1 p=z>v; f1 update <d1 p=z>w", "z by ask"},
		{"where it asked already, it goes further back", two + "d1 update <b1,c1 p=x>v; e1 update <b1,c1 p=x>w", "x by ask"},
		{"two decisions, and one that knew neither", two + "d1 update <b1,c1 p=x>v; e1 update <b1,c1 p=x>w; f1 update <a1 p=x>u", "x by ask"},
		{"a deleted record had nothing", "a1 create < p=x; a2 delete <a1; b1 create <a2 p=y; c1 create <a2 p=z", "null by ask"},
		{"nor one that a bare deletion deleted", "a1 create < p=x; b1 delete; c1 create <b1 p=y; d1 create <b1 p=z", "null by ask"},
		{"an edit beside the deletion, and both seen", "a1 create < p=x; b1 delete <a1; c1 update <a1 q=v; d1 update <b1,c1 p=x>y; e1 update <b1,c1 p=x>z", "x by ask"},
	}.run(t, resolution.RuleAsk)
}

func TestARuleSaysWhyItAsks(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, test := range []struct {
		rule          resolution.Rule
		history, want string
	}{
		{resolution.RuleMax, "b1 create < p=10; c1 create < p=x", `"x" is no number`},
		{resolution.RuleMax, "b1 create < p=10; c1 create < p=x; c2 update <c1 p=x>y", `"y" is no number`},
		{resolution.RuleMin, "b1 create < p=10; c1 create < p=" + long, "a value of 2000 bytes is no number"},
		{resolution.RuleSum, "b1 create < p=10; c1 create < p=x; c2 update <c1 p=x>1", `"x" is no number`},
		{resolution.RuleSum, "b1 create < p=" + strings.Repeat("9", 1000) + "; c1 create < p=1", "the sum has more than 1000 characters"},
		{resolution.RuleSum, "b1 create < p=1; c1 create < p=2", ""},
		{resolution.RuleAsk, "b1 create < p=10; c1 create < p=x", ""},
	} {
		if _, got := ruled(test.rule, test.history); got != test.want {
			t.Errorf("%s of\n%s\ngot  %s\nwant %s", test.rule, test.history, got, test.want)
		}
	}
	half := strings.Repeat("a", changeset.MaxValue/2)
	entries := history("a1 create < p=x; b1 update <a1 p=x>" + half + "1; c1 update <a1 p=x>" + half + "2")
	r := resolution.Merge(ticket, entries, nil, func(string) resolution.Rule { return resolution.RuleUnion })
	if c := r.Conflict("p"); c.Value != "x" || c.Why != resolution.WhyAsk || c.Asks != fmt.Sprintf("the list has more than %d bytes", changeset.MaxValue) {
		t.Errorf("a union that nobody could write: got %.10q, %s: %s", c.Value, c.Why, c.Asks)
	}
}

func TestVotesComeBeforeRulesAndRulesBeforeTheLatest(t *testing.T) {
	entries := history("a1 create < p=1 q=1 r=1; b1 update <a1 p=1>5 q=1>5 r=1>5; c1 update <a1 p=1>4 q=1>4 r=1>4")
	votes := ballots{fingerprint("p 1: 4 5"): {answer("p=3")}}
	rules := map[string]resolution.Rule{"p": resolution.RuleMax, "q": resolution.RuleMax}
	r := resolution.Merge(ticket, entries, votes.on, func(prop string) resolution.Rule { return rules[prop] })
	for i, want := range []string{"p 3 vote max", "q 5 rule max", "r 4 latest latest"} {
		c := r.Conflicts[i]
		if got := fmt.Sprint(c.Prop, " ", r.Props[c.Prop], " ", c.Why, " ", c.Rule); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWhatWasThereKnowsNoVotes(t *testing.T) {
	entries := history("a1 create < p=1; b1 update <a1 p=1>5; c1 update <a1 p=1>4; b2 update <b1,c1 p=3>6; c2 update <b1,c1 p=3>7")
	votes := ballots{fingerprint("p 1: 4 5"): {answer("p=3")}}
	r := resolution.Merge(ticket, entries, votes.on, func(string) resolution.Rule { return resolution.RuleSum })
	if got := r.Props["p"]; got != "15" { // 1+4+3, then 3+4
		t.Errorf("got %s, want 15", got)
	}
}

func TestRuleNamesAreRead(t *testing.T) {
	for _, rule := range resolution.AllRules {
		if got, err := resolution.ParseRule(string(rule)); got != rule || err != nil {
			t.Errorf("%s: got %s, %v", rule, got, err)
		}
	}
	_, err := resolution.ParseRule("Max")
	if err == nil || !strings.Contains(err.Error(), `"Max" is no rule: the rules are latest, max, min, union, sum, ask`) {
		t.Errorf("got %v", err)
	}
}

// Rivals that wrote one value are a conflict under no rule but sum; they are named nevertheless, because the rule may become that.
func TestRivalsThatAgreeAreNamed(t *testing.T) {
	const two = "a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11"
	for _, test := range []struct{ history, want string }{
		{two, "[p]"},
		{two + "; d1 update <b1,c1 q=v", "[p]"},
		{two + "; d1 update <b1,c1 p=11>11", "[]"},
		{two + "; d1 update <a1 p=10>12", "[]"},
		{two + "; d1 delete <b1,c1", "[]"},
		{two + "; d1 delete <b1,c1; d2 update <d1 q=v", "[p]"},
		{"a1 create < p=10; b1 update <a1 p=10>x q=v; c1 update <a1 p=10>x q=v", "[p q]"},
		{"a1 create < p=10; b1 update <a1 p=10>; c1 update <a1 p=10>", "[p]"},
		{"a1 create < p=5; a2 delete <a1; b1 create <a2 q=v; c1 create <a2 q=w", "[]"},
	} {
		for _, rule := range resolution.AllRules {
			r := resolution.Merge(ticket, history(test.history), nil, func(string) resolution.Rule { return rule })
			sums := rule == resolution.RuleSum && r.Conflict("p") != nil && !strings.Contains(test.history, "x")
			if got := fmt.Sprint(r.Agreed); got != test.want && !sums {
				t.Errorf("by %s\n%s\ngot  %s\nwant %s", rule, test.history, got, test.want)
			}
		}
	}
}

func TestAVoteOnRivalsThatAgreeCountsWhereTheyAreAConflict(t *testing.T) {
	entries := history("a1 create < p=10; b1 update <a1 p=10>11; c1 update <a1 p=10>11")
	votes := ballots{fingerprint("p 10: 11"): {answer("p=3")}}
	for _, test := range []struct {
		rule resolution.Rule
		want string
	}{{resolution.RuleLatest, "11"}, {resolution.RuleMax, "11"}, {resolution.RuleSum, "3"}} {
		r := resolution.Merge(ticket, entries, votes.on, func(string) resolution.Rule { return test.rule })
		if got := r.Props["p"]; got != test.want {
			t.Errorf("by %s: got %s, want %s", test.rule, got, test.want)
		}
	}
}
