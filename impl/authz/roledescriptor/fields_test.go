package roledescriptor

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"
)

func fieldSecurity(t *testing.T, text string) (*FieldSecurity, error) {
	t.Helper()
	d, err := Parse("x", decode(t, `{"indices":[{"names":"a","privileges":["read"],"field_security":`+text+`}]}`),
		Options{})
	if err != nil {
		return nil, err
	}
	return d.Indices[0].FieldSecurity, nil
}

// Ensures that exceptions must be a subset of the granted fields, with wildcards on either side.
func TestFieldSecurity_Subset(t *testing.T) {
	for _, text := range []string{
		`{"grant":["f1"]}`, `{"grant":[]}`, `{"grant":[],"except":[]}`, `{"grant":["f1","f2"],"except":["f1"]}`,
		`{"grant":["*"],"except":["a","b*","/c/"]}`,
		`{"grant":["f*"],"except":["f1","f","fa*b?"]}`, `{"grant":["**"],"except":["*"]}`,
		`{"grant":["?","??*",""],"except":["*"]}`, `{"grant":["a*"],"except":["a**"]}`,
		`{"grant":["?*"],"except":["*a"]}`, `{"grant":["a*","b*"],"except":["a*","bx"]}`,
		`{"grant":["/f[12]/"],"except":["/f[12]/"]}`,
	} {
		fields, err := fieldSecurity(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := fmt.Sprint(fields.Grant == nil, fields.Except == nil); got != fmt.Sprint(false,
			!strings.Contains(text, "except")) {
			t.Errorf("%s: %#v", text, fields)
		}
	}
	for text, list := range map[string]string{
		`{"grant":["f1","f2"],"except":["f3"]}`: "[f3] is not a subset of [f1,f2]",
		`{"grant":[],"except":["a"]}`:           "[a] is not a subset of []",
		`{"grant":["f?"],"except":["f1","f*"]}`: "[f1,f*] is not a subset of [f?]",
		`{"grant":["a"],"except":["A"]}`:        "[A] is not a subset of [a]",
		`{"grant":["?*"],"except":["*"]}`:       "[*] is not a subset of [?*]",
		`{"grant":["a*"],"except":["/a.*/"]}`:   "[/a.*/] is not a subset of [a*]",
		`{"grant":["/a.*/"],"except":["ab"]}`:   "[ab] is not a subset of [/a.*/]",
		`{"grant":[],"except":[""]}`:            "[] is not a subset of []",
	} {
		_, err := fieldSecurity(t, text)
		wantError(t, text, err, pe, "failed to parse indices privileges for role [x] - "+
			"Exceptions for field permissions must be a subset of the granted fields but "+list)
	}
	const prefix = "failed to parse indices privileges for role [x]. "
	for text, want := range map[string]string{
		`{}`:                        prefix + `"field_security" must not be empty.`,
		`{"except":["a"]}`:          prefix + "field_security requires grant if except is given",
		`null`:                      prefix + `expected START_OBJECT but got VALUE_NULL in "field_security".`,
		`["a"]`:                     prefix + `expected START_OBJECT but got START_ARRAY in "field_security".`,
		`{"grant":["a"],"deny":[]}`: prefix + `"field_security" only accepts options grant and except, but got: deny`,
		`{"grant":"a"}`: unreadRole + "could not parse [grant] field. expected a string array but found [VALUE_STRING] " +
			"value instead",
		`{"grant":["a",1]}`: unreadRole + "could not parse [grant] field. expected a string array but one of the value " +
			"in the array is [VALUE_NUMBER]",
		`{"grant":null}`:             prefix + "grant must not be null.",
		`{"grant":[],"except":null}`: prefix + "except must not be null.",
	} {
		_, err := fieldSecurity(t, text)
		wantError(t, text, err, pe, want)
	}
}

// Ensures that exceptions pass exactly if no text matches an exception and no granted pattern. The test tries all texts
// up to a length, made of the letters in the patterns and of one that no pattern contains.
func TestFieldSecurity_AllShortTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{""}
	for from, length := 0, 0; length < 6; length++ {
		to := len(texts)
		for _, text := range texts[from:to] {
			texts = append(texts, text+"a", text+"b", text+"z")
		}
		from = to
	}
	pattern := func() string {
		text := make([]byte, random.IntN(4))
		for i := range text {
			text[i] = "ab*?"[random.IntN(4)]
		}
		return string(text)
	}
	for range 3000 {
		fields := FieldSecurity{Grant: []string{pattern(), pattern(), pattern()}, Except: []string{pattern()}}
		want := true
		for _, text := range texts {
			if matches(text, fields.Except...) && !matches(text, fields.Grant...) {
				want = false
				break
			}
		}
		if err := fields.check(section{indicesPart, "x"}); (err == nil) != want {
			t.Errorf("%q: %v; want %v", fields, err, want)
		}
	}
}

func matches(text string, patterns ...string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, text); ok {
			return true
		}
	}
	return false
}

// Ensures that many patterns are compared quickly, and that patterns of exponential cost are refused.
func TestFieldSecurity_CostBound(t *testing.T) {
	blowUp := FieldSecurity{Grant: []string{"*a" + strings.Repeat("?", 30), "*?"},
		Except: []string{strings.Repeat("?", 60)}}
	stars := FieldSecurity{Grant: []string{strings.Repeat("*", 500_000) + "a"},
		Except: []string{strings.Repeat("*", 500_000)}}
	var many FieldSecurity
	for i := range 20_000 {
		many.Grant = append(many.Grant, fmt.Sprintf("a%d*", i))
		many.Except = append(many.Except, fmt.Sprintf("a%db", i))
	}
	begin := time.Now()
	if err := many.check(section{indicesPart, "x"}); err != nil {
		t.Errorf("many: %.100s", err.Error())
	}
	if err := stars.check(section{indicesPart, "x"}); err == nil {
		t.Error("stars: accepted")
	}
	wantError(t, "blow-up", blowUp.check(section{indicesPart, "x"}), pe,
		"failed to parse indices privileges for role [x] - "+
			"Exceptions for field permissions are too complex to be compared with the granted fields")
	if taken := time.Since(begin); taken > 30*time.Second {
		t.Errorf("the comparisons take %v", taken)
	}
}
