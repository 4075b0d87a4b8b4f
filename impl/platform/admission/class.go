package admission

// Class is what requests of one class may use at once: slots to work in, and bytes for bodies that are being read and
// answers that are being sent.
type Class struct {
	Slots *Slots
	Bytes *Budget
}

// NewClass returns a class with a number of work slots, a queue of a length per caller, and a byte budget.
func NewClass(slots, queue int, bytes int64) *Class {
	return &Class{NewSlots(slots, queue), NewBudget(bytes)}
}
