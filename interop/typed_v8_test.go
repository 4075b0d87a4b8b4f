package interop

import (
	"errors"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/typedapi/security/activateuserprofile"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/bulkdeleterole"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/bulkputrole"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/bulkupdateapikeys"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/changepassword"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/createapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/createcrossclusterapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/gettoken"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/grantapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/hasprivileges"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/hasprivilegesuserprofile"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/invalidateapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/invalidatetoken"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/putprivileges"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/putrole"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/putrolemapping"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/putuser"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/queryapikeys"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/queryrole"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/queryuser"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/samlauthenticate"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/samlinvalidate"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/samllogout"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/samlprepareauthentication"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/suggestuserprofiles"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/updateapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/updatecrossclusterapikey"
	"github.com/elastic/go-elasticsearch/v8/typedapi/security/updateuserprofiledata"
	"github.com/elastic/go-elasticsearch/v8/typedapi/types"
	"github.com/elastic/go-elasticsearch/v8/typedapi/types/enums/healthstatus"
	"github.com/elastic/go-elasticsearch/v8/typedapi/types/enums/refresh"
)

// typedReaderV8 returns a function that encodes what a typed client returned.
func typedReaderV8(t *testing.T) func(response any, err error) answer {
	return func(response any, err error) answer {
		t.Helper()
		if failure, ok := errors.AsType[*types.ElasticsearchError](err); ok {
			return answer{t, failure.Status, encode(t, failure)}
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer{t, 200, encode(t, response)}
	}
}

func typedV8(t *testing.T, how connection) operations {
	c := newTypedV8(t, how)
	ctx := t.Context()
	read := typedReaderV8(t)
	s := c.Security
	return operations{
		info: func() answer { return read(c.Info().Do(ctx)) },
		ping: func() answer {
			found, err := c.Ping().Do(ctx)
			if !found {
				t.Error("the client does not find the server")
			}
			return read(nil, err)
		},
		health:            func() answer { return read(c.Cluster.Health().WaitForStatus(healthstatus.Yellow).Do(ctx)) },
		authenticate:      func() answer { return read(s.Authenticate().Do(ctx)) },
		userPrivileges:    func() answer { return read(s.GetUserPrivileges().Do(ctx)) },
		builtinPrivileges: func() answer { return read(s.GetBuiltinPrivileges().Do(ctx)) },
		createKey: func(body string) answer {
			return read(s.CreateApiKey().Request(fill(t, createapikey.NewRequest(), body)).Refresh(refresh.Waitfor).Do(ctx))
		},
		getKey: func(id string) answer {
			return read(s.GetApiKey().Id(id).WithLimitedBy(true).WithProfileUid(true).Do(ctx))
		},
		keysNamed: func(name string) answer { return read(s.GetApiKey().Name(name).Do(ctx)) },
		ownKeys:   func() answer { return read(s.GetApiKey().Owner(true).ActiveOnly(true).Do(ctx)) },
		queryKeys: func(body string) answer {
			return read(s.QueryApiKeys().Request(fill(t, queryapikeys.NewRequest(), body)).Do(ctx))
		},
		updateKey: func(id, body string) answer {
			return read(s.UpdateApiKey(id).Request(fill(t, updateapikey.NewRequest(), body)).Do(ctx))
		},
		bulkUpdate: func(body string) answer {
			return read(s.BulkUpdateApiKeys().Request(fill(t, bulkupdateapikeys.NewRequest(), body)).Do(ctx))
		},
		createKeyRaw:  func(body string) answer { return read(s.CreateApiKey().Raw(strings.NewReader(body)).Do(ctx)) },
		bulkUpdateRaw: func(body string) answer { return read(s.BulkUpdateApiKeys().Raw(strings.NewReader(body)).Do(ctx)) },
		grantKey: func(body string) answer {
			return read(s.GrantApiKey().Request(fill(t, grantapikey.NewRequest(), body)).Do(ctx))
		},
		grantKeyRaw: func(body string) answer { return read(s.GrantApiKey().Raw(strings.NewReader(body)).Do(ctx)) },
		createCrossClusterKey: func(body string) answer {
			return read(s.CreateCrossClusterApiKey().Request(fill(t, createcrossclusterapikey.NewRequest(), body)).Do(ctx))
		},
		updateCrossClusterKey: func(id, body string) answer {
			return read(s.UpdateCrossClusterApiKey(id).Request(fill(t, updatecrossclusterapikey.NewRequest(), body)).Do(ctx))
		},
		invalidateKeys: func(body string) answer {
			return read(s.InvalidateApiKey().Request(fill(t, invalidateapikey.NewRequest(), body)).Do(ctx))
		},
		clearCache: func(ids string) answer { return read(s.ClearApiKeyCache(ids).Do(ctx)) },
		hasPrivileges: func(body string) answer {
			return read(s.HasPrivileges().Request(fill(t, hasprivileges.NewRequest(), body)).Do(ctx))
		},
		putPrivileges: func(body string) answer {
			return read(s.PutPrivileges().Request(fill(t, &putprivileges.Request{}, body)).Do(ctx))
		},
		getPrivilege: func(application, name string) answer {
			return read(s.GetPrivileges().Application(application).Name(name).Do(ctx))
		},
		deletePrivilege: func(application, name string) answer { return read(s.DeletePrivileges(application, name).Do(ctx)) },
		putRole: func(name, body string) answer {
			return read(s.PutRole(name).Request(fill(t, putrole.NewRequest(), body)).Do(ctx))
		},
		bulkPutRoles: func(body string) answer {
			return read(s.BulkPutRole().Request(fill(t, bulkputrole.NewRequest(), body)).Do(ctx))
		},
		bulkDeleteRoles: func(body string) answer {
			return read(s.BulkDeleteRole().Request(fill(t, bulkdeleterole.NewRequest(), body)).Do(ctx))
		},
		queryRoles: func(body string) answer {
			return read(s.QueryRole().Request(fill(t, queryrole.NewRequest(), body)).Do(ctx))
		},
		queryUsers: func(body string) answer {
			return read(s.QueryUser().Request(fill(t, queryuser.NewRequest(), body)).Do(ctx))
		},
		clearRoles:      func(name string) answer { return read(s.ClearCachedRoles(name).Do(ctx)) },
		clearRealms:     func(name string) answer { return read(s.ClearCachedRealms(name).Do(ctx)) },
		clearPrivileges: func(name string) answer { return read(s.ClearCachedPrivileges(name).Do(ctx)) },
		getRole:         func(name string) answer { return read(s.GetRole().Name(name).Do(ctx)) },
		deleteRole:      func(name string) answer { return read(s.DeleteRole(name).Do(ctx)) },
		putRoleMapping: func(name, body string) answer {
			return read(s.PutRoleMapping(name).Request(fill(t, putrolemapping.NewRequest(), body)).Do(ctx))
		},
		getRoleMapping:    func(name string) answer { return read(s.GetRoleMapping().Name(name).Do(ctx)) },
		deleteRoleMapping: func(name string) answer { return read(s.DeleteRoleMapping(name).Do(ctx)) },
		putUser: func(name, body string) answer {
			return read(s.PutUser(name).Request(fill(t, putuser.NewRequest(), body)).Do(ctx))
		},
		getUser:     func(name string) answer { return read(s.GetUser().Username(name).Do(ctx)) },
		deleteUser:  func(name string) answer { return read(s.DeleteUser(name).Do(ctx)) },
		enableUser:  func(name string) answer { return read(s.EnableUser(name).Do(ctx)) },
		disableUser: func(name string) answer { return read(s.DisableUser(name).Do(ctx)) },
		changePassword: func(name, body string) answer {
			return read(s.ChangePassword().Username(name).Request(fill(t, changepassword.NewRequest(), body)).Do(ctx))
		},
		settings: func() answer { return read(s.GetSettings().Do(ctx)) },
		serviceAccounts: func(namespace, service string) answer {
			return read(s.GetServiceAccounts().Namespace(namespace).Service(service).Do(ctx))
		},
		serviceCredentials: func() answer { return read(s.GetServiceCredentials("elastic", "fleet-server").Do(ctx)) },
		createServiceToken: func(name string) answer {
			return read(s.CreateServiceToken("elastic", "fleet-server").Name(name).Refresh(refresh.Waitfor).Do(ctx))
		},
		clearServiceTokens: func(name string) answer {
			return read(s.ClearCachedServiceTokens("elastic", "fleet-server", name).Do(ctx))
		},
		deleteServiceToken: func(name string) answer {
			return read(s.DeleteServiceToken("elastic", "fleet-server", name).Do(ctx))
		},
		prepareSAML: func(body string) answer {
			return read(s.SamlPrepareAuthentication().Request(fill(t, samlprepareauthentication.NewRequest(), body)).Do(ctx))
		},
		authenticateSAML: func(body string) answer {
			return read(s.SamlAuthenticate().Request(fill(t, samlauthenticate.NewRequest(), body)).Do(ctx))
		},
		logoutSAML: func(body string) answer {
			return read(s.SamlLogout().Request(fill(t, samllogout.NewRequest(), body)).Do(ctx))
		},
		invalidateSAML: func(body string) answer {
			return read(s.SamlInvalidate().Request(fill(t, samlinvalidate.NewRequest(), body)).Do(ctx))
		},
		metadataSAML: func(realm string) answer { return read(s.SamlServiceProviderMetadata(realm).Do(ctx)) },
		getToken: func(body string) answer {
			return read(s.GetToken().Request(fill(t, gettoken.NewRequest(), body)).Do(ctx))
		},
		activateProfile: func(body string) answer {
			return read(s.ActivateUserProfile().Request(fill(t, activateuserprofile.NewRequest(), body)).Do(ctx))
		},
		getProfile: func(uid, data string) answer { return read(s.GetUserProfile(uid).Data(data).Do(ctx)) },
		suggestProfiles: func(body string) answer {
			return read(s.SuggestUserProfiles().Request(fill(t, suggestuserprofiles.NewRequest(), body)).Do(ctx))
		},
		updateProfile: func(uid, body string) answer {
			return read(s.UpdateUserProfileData(uid).Request(fill(t, updateuserprofiledata.NewRequest(), body)).Do(ctx))
		},
		enableProfile:  func(uid string) answer { return read(s.EnableUserProfile(uid).Do(ctx)) },
		disableProfile: func(uid string) answer { return read(s.DisableUserProfile(uid).Do(ctx)) },
		profilePrivileges: func(body string) answer {
			return read(s.HasPrivilegesUserProfile().Request(fill(t, hasprivilegesuserprofile.NewRequest(), body)).Do(ctx))
		},
		invalidateToken: func(body string) answer {
			return read(s.InvalidateToken().Request(fill(t, invalidatetoken.NewRequest(), body)).Do(ctx))
		},
	}
}
