package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/profile"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

func (a *API) profileOperations() []operation {
	return []operation{
		row[authn.Proxy, gen.UserProfileWithMetadata]{
			operations: []string{"security-activate-user-profile"},
			read:       readActivation,
			check:      func(p authn.Proxy) error { return fault.Invalid(p.Problems()) },
			do:         a.activateProfile,
			show:       okay[gen.UserProfileWithMetadata],
		},
		row[profileSelection, gen.GetUserProfileResponse]{
			operations: []string{"security-get-user-profile"},
			read: func(r request) (profileSelection, error) {
				return profileSelection{uids: listed(r.params["uid"]), data: listed(r.query["data"])}, nil
			},
			do:   a.getProfiles,
			show: okay[gen.GetUserProfileResponse],
		},
		row[profileSearch, gen.SuggestUserProfilesResponse]{
			operations: []string{"security-suggest-user-profiles", "security-suggest-user-profiles-get"},
			read:       readProfileSearch,
			check:      func(s profileSearch) error { return s.suggestion.Check() },
			do:         a.suggestProfiles,
			show:       okay[gen.SuggestUserProfilesResponse],
		},
		row[profileUpdate, none]{
			operations: []string{"security-update-user-profile-data", "security-update-user-profile-data-post"},
			read:       readProfileUpdate,
			check:      func(u profileUpdate) error { return u.update.Check() },
			authorize:  func(call, profileUpdate) error { return nil }, // updateProfile decides, because that takes work
			do:         a.updateProfile,
			show:       showAcknowledged,
		},
		a.setProfileEnabled(true, "security-enable-user-profile", "security-enable-user-profile-post"),
		a.setProfileEnabled(false, "security-disable-user-profile", "security-disable-user-profile-post"),
		row[profilesCheck, gen.ProfileHasPrivilegesResponse]{
			operations: []string{"security-has-privileges-user-profile", "security-has-privileges-user-profile-get"},
			read:       readProfilesCheck,
			check:      profilesCheck.validate,
			do:         a.checkProfiles,
			show:       okay[gen.ProfileHasPrivilegesResponse],
		},
	}
}

func (a *API) setProfileEnabled(enabled bool, operations ...string) operation {
	return row[string, none]{
		operations: operations,
		read:       readParam("uid"),
		do: func(ctx context.Context, _ call, uid string) (none, error) {
			return none{}, a.Profiles.SetEnabled(ctx, uid, enabled)
		},
		show: showAcknowledged,
	}
}

func showAcknowledged(none) (response, error) {
	return ok(gen.AcknowledgedResponse{Acknowledged: true})
}

func (a *API) updateProfile(ctx context.Context, caller call, u profileUpdate) (none, error) {
	refused := caller.Require(caller.action)
	if refused != nil {
		may, err := caller.MayWriteProfiles(ctx, u.update.Applications())
		if err != nil {
			return none{}, err
		}
		if !may {
			return none{}, refused
		}
	}
	return none{}, a.Profiles.Update(ctx, u.uid, u.update)
}

func readActivation(r request) (authn.Proxy, error) {
	var p authn.Proxy
	err := xcontent.Parser{Name: "activate_profile_request", Fields: map[string]xcontent.Field{
		"grant_type":   xcontent.OptionalText(&p.Type),
		"username":     xcontent.OptionalText(&p.UserName),
		"password":     xcontent.OptionalText(&p.Password),
		"access_token": xcontent.OptionalText(&p.AccessToken),
	}}.Read(r.body)
	return p, err
}

func (a *API) activateProfile(ctx context.Context, _ call, proxy authn.Proxy) (gen.UserProfileWithMetadata, error) {
	p, err := a.Auth.Represented(ctx, proxy)
	if err != nil {
		return gen.UserProfileWithMetadata{}, err
	}
	activated, err := a.Profiles.Activate(ctx, p)
	if fault.Has(err, fault.CredentialsInvalid) { // they stopped working meanwhile
		err = fault.Wrap(fault.RepresentedInvalid, err, "unable to authenticate user ["+p.User+"]")
	}
	if err != nil {
		return gen.UserProfileWithMetadata{}, err
	}
	return showProfile(activated, nil)
}

// profileSelection selects profiles, and the parts of their data.
type profileSelection struct{ uids, data []string }

// listed returns the elements of a text with commas between, without empty ones.
func listed(text string) []string {
	var elements []string
	for element := range strings.SplitSeq(text, ",") {
		if element = strings.TrimSpace(element); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}

func (a *API) getProfiles(ctx context.Context, _ call, s profileSelection) (gen.GetUserProfileResponse, error) {
	response := gen.GetUserProfileResponse{Profiles: []gen.UserProfileWithMetadata{}}
	found, err := a.Profiles.Get(ctx, s.uids, len(s.data) > 0)
	if err != nil {
		return response, err
	}
	data, err := selectData(ctx, found, s.data)
	if err != nil {
		return response, err
	}
	for _, p := range found {
		shown, err := showProfile(p, data)
		if err != nil {
			return response, err
		}
		response.Profiles = append(response.Profiles, shown)
	}
	response.Errors = showMissingProfiles(s.uids, found)
	return response, nil
}

// showMissingProfiles returns an error for each id without a profile; nil if there is none.
func showMissingProfiles(uids []string, found []profile.Profile) *gen.BulkUpdateErrors {
	missing := map[string]*fault.Error{}
	for _, uid := range uids {
		missing[uid] = fault.New(fault.ResourceMissing, "profile document not found")
	}
	for _, p := range found {
		delete(missing, p.UID)
	}
	return showFailed(missing)
}

func showProfile(p profile.Profile, data map[string]gen.FreeObject) (gen.UserProfileWithMetadata, error) {
	plain, err := showPlainProfile(p, data)
	return gen.UserProfileWithMetadata{
		UID:              plain.UID,
		Enabled:          p.Enabled,
		LastSynchronized: p.SynchronizedAt.UnixMilli(),
		User:             plain.User,
		Labels:           plain.Labels,
		Data:             plain.Data,
		Doc:              gen.UserProfileVersion{PrimaryTerm: profile.PrimaryTerm, SeqNo: p.Version},
	}, err
}

func showPlainProfile(p profile.Profile, data map[string]gen.FreeObject) (gen.UserProfile, error) {
	labels, err := showMetadata(p.Labels)
	shown := gen.UserProfile{
		UID: p.UID,
		User: gen.UserProfileUser{
			Username:  p.User.Name,
			Roles:     convert.Strings(p.User.Roles),
			RealmName: p.User.HomeRealm().Name,
			Email:     givenText(p.User.Email, p.User.EmptyEmail),
			FullName:  givenText(p.User.FullName, p.User.EmptyFullName),
		},
		Labels: labels,
		Data:   data[p.UID],
	}
	if shown.Data == nil {
		shown.Data = gen.FreeObject{}
	}
	return shown, err
}

// selectData returns the parts of the profiles' data at the paths, by the profiles' ids. All are selected from one
// document, so that the limit of work is for all together.
func selectData(ctx context.Context, profiles []profile.Profile, paths []string) (map[string]gen.FreeObject, error) {
	selected := map[string]gen.FreeObject{}
	if len(paths) == 0 || len(profiles) == 0 {
		return selected, nil
	}
	filter, err := filterpath.Parse("*." + strings.Join(paths, ",*."))
	if err != nil {
		return nil, fault.Wrap(fault.InvalidData, err, "the parameter [data] is too long", "data")
	}

	all := make(map[string]json.RawMessage, len(profiles))
	for _, p := range profiles {
		all[p.UID] = json.RawMessage(p.Data)
	}
	document, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	document, err = filter.Apply(ctx, document)
	if errors.Is(err, filterpath.ErrTooMuchWork) {
		return nil, fault.Wrap(fault.InvalidData, err,
			"the parameter [data] takes too long to apply to these profiles; use fewer paths, or simpler ones", "data")
	}
	if err != nil {
		return nil, err
	}

	var members map[string]map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, err
	}
	for uid, data := range members {
		selected[uid] = make(gen.FreeObject, len(data))
		for name := range data {
			selected[uid][name] = data[name]
		}
	}
	return selected, nil
}

// profileSearch is a request to suggest profiles, with the parts of their data to show.
type profileSearch struct {
	suggestion profile.Suggestion
	data       []string
}

func readProfileSearch(r request) (profileSearch, error) {
	s := profileSearch{suggestion: profile.Suggestion{Size: profile.DefaultSize}}
	data, inQuery := r.query["data"]
	if r.bodySent {
		var inBody *string
		err := xcontent.Parser{Name: "suggest_profile_request_payload", Fields: map[string]xcontent.Field{
			"name": xcontent.Text(&s.suggestion.Name),
			"size": wholeNumber(&s.suggestion.Size),
			"hint": profileHint(&s.suggestion.Hint),
			"data": xcontent.OptionalText(&inBody),
		}}.Read(r.body)
		if err != nil {
			return s, err
		}
		if inQuery && inBody != nil {
			return s, fault.New(fault.InvalidData,
				"The [data] parameter must be specified in either request body or as query parameter, but not both", "data")
		}
		if inBody != nil {
			data = *inBody
		}
	}
	s.data = listed(data)
	s.suggestion.Data = len(s.data) > 0
	return s, nil
}

// wholeNumber returns a field for a whole number, or the text of one.
func wholeNumber(target *int) xcontent.Field {
	return func(value any) error {
		text, isText := value.(string)
		if !isText {
			return xcontent.Integer(target)(value)
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fault.New(fault.InvalidData, "["+text+"] is not a whole number in range")
		}
		*target = n
		return nil
	}
}

// profileHint returns a field for the profiles to put first.
func profileHint(target **profile.Hint) xcontent.Field {
	return func(value any) error {
		var hint profile.Hint
		var labels map[string]any
		err := xcontent.Nested(xcontent.Parser{
			Name:   "suggest_profile_request_payload_hint",
			Fields: map[string]xcontent.Field{"uids": xcontent.Texts(&hint.UIDs), "labels": xcontent.Object(&labels)},
		})(value)
		if err != nil {
			return err
		}
		if labels != nil {
			hint.Labels = map[string][]string{}
		}
		for path, value := range labels {
			if hint.Labels[path], err = labelValues(value); err != nil {
				return err
			}
		}
		*target = &hint
		return nil
	}
}

func labelValues(value any) ([]string, error) {
	elements := []any{value}
	if list, isList := value.([]any); isList {
		elements = list
	}
	values := make([]string, 0, len(elements))
	for _, element := range elements {
		text, isText := element.(string)
		if !isText {
			return nil, parseFailed("[labels] hint supports either string or list of strings as its value")
		}
		values = append(values, text)
	}
	return values, nil
}

func (a *API) suggestProfiles(ctx context.Context, _ call, s profileSearch) (gen.SuggestUserProfilesResponse, error) {
	response := gen.SuggestUserProfilesResponse{Profiles: []gen.UserProfile{}}
	begin := a.Now()
	found, err := a.Profiles.Suggest(ctx, s.suggestion)
	if err != nil {
		return response, err
	}
	data, err := selectData(ctx, found.Profiles, s.data)
	if err != nil {
		return response, err
	}
	for _, p := range found.Profiles {
		shown, err := showPlainProfile(p, data)
		if err != nil {
			return response, err
		}
		response.Profiles = append(response.Profiles, shown)
	}
	response.Total = gen.UserProfilesTotal{Value: found.Total, Relation: "eq"}
	response.Took = a.Now().Sub(begin).Milliseconds()
	return response, nil
}

// profileUpdate is a request to change a profile's labels and data.
type profileUpdate struct {
	uid    string
	update profile.Update
}

func readProfileUpdate(r request) (profileUpdate, error) {
	u := profileUpdate{uid: r.params["uid"]}
	err := xcontent.Parser{Name: "update_profile_data_request_payload", Fields: map[string]xcontent.Field{
		"labels": xcontent.Object(&u.update.Labels),
		"data":   xcontent.Object(&u.update.Data),
	}}.Read(r.body)
	if err != nil {
		return u, err
	}
	if u.update.IfSeqNo, err = versionPart(r, "if_seq_no"); err != nil {
		return u, err
	}
	u.update.IfPrimaryTerm, err = versionPart(r, "if_primary_term")
	return u, err
}

// versionPart returns a parameter that is a part of a version; nil for none. A negative number is none, too.
func versionPart(r request, name string) (*int64, error) {
	text, given := r.query[name]
	if !given {
		return nil, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidData, err, "Failed to parse long parameter ["+name+"] with value ["+text+"]",
			name)
	}
	if number < 0 {
		return nil, nil
	}
	return &number, nil
}

// profilesCheck asks which profiles' users have all of some privileges.
type profilesCheck struct {
	uids  []string
	check access.PrivilegeCheck
}

func readProfilesCheck(r request) (profilesCheck, error) {
	var q profilesCheck
	err := xcontent.Parser{Name: "profile_has_privileges_request", Fields: map[string]xcontent.Field{
		"uids": xcontent.Texts(&q.uids),
		"privileges": func(value any) (err error) {
			if _, isObject := value.(map[string]any); !isObject {
				return xcontent.ErrUnsupported
			}
			q.check, err = readCheck("profile_has_privileges_request", value)
			return err
		},
	}, Required: []string{"uids", "privileges"}}.Read(r.body)
	return q, err
}

func (q profilesCheck) validate() error {
	if len(q.uids) == 0 {
		return fault.Invalid([]string{"profile uids list must not be empty"})
	}
	return nil
}

func (a *API) checkProfiles(ctx context.Context, _ call, q profilesCheck) (gen.ProfileHasPrivilegesResponse, error) {
	response := gen.ProfileHasPrivilegesResponse{HasPrivilegeUIDs: []string{}}
	found, err := a.Profiles.Get(ctx, q.uids, false)
	if err != nil {
		return response, err
	}
	users := convert.Each(found, profile.Profile.Principal)
	have, err := a.Access.HaveAll(ctx, users, q.check)
	if err != nil {
		return response, err
	}
	for i, p := range found {
		if have[i] && p.Enabled {
			response.HasPrivilegeUIDs = append(response.HasPrivilegeUIDs, p.UID)
		}
	}
	response.Errors = showMissingProfiles(q.uids, found)
	return response, nil
}

// profileUIDs returns the ids of the users' profiles by the users' names, if they are asked for.
func (a *API) profileUIDs(ctx context.Context, wanted bool, users []string) (map[string]string, error) {
	if !wanted {
		return nil, nil
	}
	return a.Profiles.UIDs(ctx, users)
}

// profileUID returns the id of a user's profile; nil if it is unknown.
func profileUID(uids map[string]string, user string) *string {
	return convert.Text(uids[user])
}
