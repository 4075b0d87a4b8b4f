package overload

// Room is what there is for the large requests of one kind of callers: turns to work, and memory for what was read before
// the turn and is sent after it. Whoever sends or reads slowly holds memory then, and no turn.
type Room struct {
	Turns *Bound
	Bytes *Budget
}

// NewRoom returns room with as many turns as there are processors, and so many bytes.
func NewRoom(bytes int64) *Room { return &Room{PerProcessor(), NewBudget(bytes)} }
