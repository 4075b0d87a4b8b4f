package condition

import "testing"

// Ensures that a condition is of one user only if each selected key is that user's, and nothing but the given columns
// decides the rest.
func TestCondition_OfUser(t *testing.T) {
	user := Compare(UserName, Equal, "alice")
	valid := Not(Present(Invalidation))
	for name, c := range map[string]struct {
		where Condition
		want  bool
	}{
		"user":                            {user, true},
		"user and a column":               {And(user, valid), true},
		"user and a choice in a column":   {And(user, Or(valid, Compare(Invalidation, Greater, int64(1)))), true},
		"user and another column":         {And(user, Compare(Name, Equal, "n")), false},
		"user and a choice of another":    {And(user, Or(valid, Present(Expiration))), false},
		"user and another column negated": {And(user, Not(Or(valid, Compare(ID, Equal, "k")))), false},
		"a choice of users":               {Or(user, Compare(UserName, Equal, "bob")), false},
		"users from one on":               {Compare(UserName, GreaterOrEqual, "alice"), false},
		"several users":                   {In(UserName, []any{"alice", "bob"}), false},
		"a column without a user":         {valid, false},
		"all keys":                        {Condition{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.where.OfUser(Invalidation); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
