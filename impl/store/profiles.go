package store

import "time"

// Profile is what applications keep about a user. A user has at most one.
type Profile struct {
	// UID identifies the profile, and is never used again.
	UID     string
	Enabled bool
	// SynchronizedAt is when the profile was last activated.
	SynchronizedAt time.Time
	// Version counts the changes, from 0 on.
	Version int64
	// Labels and Data are JSON objects.
	Labels, Data string
	User         User
}

// ProfileOutline is what a profile is found by.
type ProfileOutline struct {
	UID, UserName, FullName, Email string
	// Labels is a JSON object.
	Labels         string
	SynchronizedAt time.Time
}

const profileColumns = `profiles.uid, profiles.enabled, profiles.synchronized_at, profiles.version, profiles.labels, `

// profileJoin leaves out the user of a deleted row, which waits for the sweep.
const profileJoin = ` FROM profiles JOIN users ON users.name = profiles.user_name WHERE NOT users.deleted AND `

// The statements on these records.
var (
	selectUserProfile = prepare(`SELECT ` + profileColumns + `profiles.data, ` + userColumns + profileJoin +
		`profiles.user_name = $1`)
	selectProfilesWithData = prepare(`SELECT ` + profileColumns + `profiles.data, ` + userColumns + profileJoin +
		`profiles.uid ` + among)
	selectProfiles = prepare(`SELECT ` + profileColumns + `'{}', ` + userColumns + profileJoin +
		`profiles.uid ` + among)
	selectEnabledProfiles = prepare(`SELECT profiles.uid, users.name, users.full_name, users.email, profiles.labels,
		profiles.synchronized_at` + profileJoin + `profiles.enabled`)
	selectProfileUIDs = prepare(`SELECT user_name, uid FROM profiles WHERE user_name ` + among)
	insertProfile     = prepare(`INSERT INTO profiles
		(user_name, uid, enabled, synchronized_at, version, labels, data)
		VALUES ($1, $2, $3, $4, 0, $5, $6) ON CONFLICT (user_name) DO NOTHING`)
	updateProfile = prepare(`UPDATE profiles SET enabled = $2, synchronized_at = $3, labels = $4, data = $5,
		version = version + 1 WHERE uid = $1`)
	deleteUserProfile = prepare(`DELETE FROM profiles WHERE user_name = $1`)
)

func profileFields(p *Profile) []any {
	return append([]any{&p.UID, &p.Enabled, (*milliseconds)(&p.SynchronizedAt), &p.Version, &p.Labels, &p.Data},
		userFields(&p.User)...)
}

// OfUser returns a user's profile, or ErrNotFound.
func (t Profiles) OfUser(name string) (Profile, error) {
	return one(t.tx, profileFields, selectUserProfile, name)
}

// ByUIDs returns those of the profiles that exist, once each and in any order. Their Data is {} unless it is asked for.
func (t Profiles) ByUIDs(uids []string, data bool) ([]Profile, error) {
	s := selectProfiles
	if data {
		s = selectProfilesWithData
	}
	return all(t.tx, profileFields, s, texts(uids))
}

// EachEnabled passes the outline of each enabled profile to take, in any order.
func (t Profiles) EachEnabled(take func(ProfileOutline)) error {
	return each(t.tx, func(o *ProfileOutline) []any {
		return []any{&o.UID, &o.UserName, &o.FullName, &o.Email, &o.Labels, (*milliseconds)(&o.SynchronizedAt)}
	}, take, selectEnabledProfiles)
}

// UIDs returns the ids of the profiles of those users that have one, by the users' names.
func (t Profiles) UIDs(userNames []string) (map[string]string, error) {
	found := map[string]string{}
	err := each(t.tx, func(pair *[2]string) []any { return []any{&pair[0], &pair[1]} },
		func(pair [2]string) { found[pair[0]] = pair[1] }, selectProfileUIDs, texts(userNames))
	return found, err
}

// Insert adds the profile of a user, with version 0, or returns ErrExists if the user has one.
func (t Profiles) Insert(p Profile) error {
	added, err := t.tx.changes(insertProfile, p.User.Name, p.UID, p.Enabled, millis(p.SynchronizedAt), p.Labels, p.Data)
	if err == nil && !added {
		err = ErrExists
	}
	return err
}

// Update stores everything but the user of the profile with this UID, under the next version.
func (t Profiles) Update(p Profile) error {
	return t.tx.do(updateProfile, p.UID, p.Enabled, millis(p.SynchronizedAt), p.Labels, p.Data)
}
