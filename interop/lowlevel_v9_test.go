package interop

import (
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v9/esapi"
)

// lowLevelReaderV9 returns a function that reads what a low-level client returned.
func lowLevelReaderV9(t *testing.T) func(*esapi.Response, error) answer {
	return func(r *esapi.Response, err error) answer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return readAll(t, r.StatusCode, r.Body)
	}
}

func lowLevelV9(t *testing.T, how connection) operations {
	c := newLowLevelV9(t, how)
	read := lowLevelReaderV9(t)
	s := c.Security
	text := strings.NewReader
	createKey := func(body string) answer {
		return read(s.CreateAPIKey(text(body), s.CreateAPIKey.WithRefresh("wait_for")))
	}
	bulkUpdate := func(body string) answer { return read(s.BulkUpdateAPIKeys(text(body))) }
	grantKey := func(body string) answer { return read(s.GrantAPIKey(text(body))) }
	return operations{
		info:              func() answer { return read(c.Info()) },
		ping:              func() answer { return read(c.Ping()) },
		health:            func() answer { return read(c.Cluster.Health(c.Cluster.Health.WithWaitForStatus("yellow"))) },
		authenticate:      func() answer { return read(s.Authenticate()) },
		userPrivileges:    func() answer { return read(s.GetUserPrivileges()) },
		builtinPrivileges: func() answer { return read(s.GetBuiltinPrivileges()) },
		createKey:         createKey, createKeyRaw: createKey,
		bulkUpdate: bulkUpdate, bulkUpdateRaw: bulkUpdate,
		getKey: func(id string) answer {
			return read(s.GetAPIKey(s.GetAPIKey.WithID(id), s.GetAPIKey.WithWithLimitedBy(true),
				s.GetAPIKey.WithWithProfileUID(true), s.GetAPIKey.WithPretty()))
		},
		keysNamed: func(name string) answer { return read(s.GetAPIKey(s.GetAPIKey.WithName(name))) },
		ownKeys:   func() answer { return read(s.GetAPIKey(s.GetAPIKey.WithOwner(true), s.GetAPIKey.WithActiveOnly(true))) },
		queryKeys: func(body string) answer { return read(s.QueryAPIKeys(s.QueryAPIKeys.WithBody(text(body)))) },
		updateKey: func(id, body string) answer { return read(s.UpdateAPIKey(id, s.UpdateAPIKey.WithBody(text(body)))) },
		grantKey:  grantKey, grantKeyRaw: grantKey,
		createCrossClusterKey: func(body string) answer { return read(s.CreateCrossClusterAPIKey(text(body))) },
		updateCrossClusterKey: func(id, body string) answer { return read(s.UpdateCrossClusterAPIKey(id, text(body))) },
		invalidateKeys:        func(body string) answer { return read(s.InvalidateAPIKey(text(body))) },
		clearCache:            func(ids string) answer { return read(s.ClearAPIKeyCache(strings.Split(ids, ","))) },
		hasPrivileges:         func(body string) answer { return read(s.HasPrivileges(text(body))) },
		putPrivileges:         func(body string) answer { return read(s.PutPrivileges(text(body))) },
		getPrivilege: func(application, name string) answer {
			return read(s.GetPrivileges(s.GetPrivileges.WithApplication(application), s.GetPrivileges.WithName(name)))
		},
		deletePrivilege: func(application, name string) answer {
			return read(s.DeletePrivileges(namesV9(name),
				application))
		},
		putRole:         func(name, body string) answer { return read(s.PutRole(name, text(body))) },
		bulkPutRoles:    func(body string) answer { return read(s.BulkPutRole(text(body))) },
		bulkDeleteRoles: func(body string) answer { return read(s.BulkDeleteRole(text(body))) },
		queryRoles:      func(body string) answer { return read(s.QueryRole(s.QueryRole.WithBody(text(body)))) },
		queryUsers:      func(body string) answer { return read(s.QueryUser(s.QueryUser.WithBody(text(body)))) },
		clearRoles:      func(name string) answer { return read(s.ClearCachedRoles([]string{name})) },
		clearRealms:     func(name string) answer { return read(s.ClearCachedRealms([]string{name})) },
		clearPrivileges: func(name string) answer { return read(s.ClearCachedPrivileges([]string{name})) },
		getRole:         func(name string) answer { return read(s.GetRole(s.GetRole.WithName(name))) },
		deleteRole:      func(name string) answer { return read(s.DeleteRole(name)) },
		putRoleMapping:  func(name, body string) answer { return read(s.PutRoleMapping(name, text(body))) },
		getRoleMapping: func(name string) answer {
			return read(s.GetRoleMapping(s.GetRoleMapping.WithName(name)))
		},
		deleteRoleMapping: func(name string) answer { return read(s.DeleteRoleMapping(name)) },
		putUser:           func(name, body string) answer { return read(s.PutUser(name, text(body))) },
		getUser:           func(name string) answer { return read(s.GetUser(s.GetUser.WithUsername(name))) },
		deleteUser:        func(name string) answer { return read(s.DeleteUser(name)) },
		enableUser:        func(name string) answer { return read(s.EnableUser(name)) },
		disableUser:       func(name string) answer { return read(s.DisableUser(name)) },
		changePassword: func(name, body string) answer {
			return read(s.ChangePassword(text(body), s.ChangePassword.WithUsername(name)))
		},
		activateProfile: func(body string) answer { return read(s.ActivateUserProfile(text(body))) },
		getProfile: func(uid, data string) answer {
			return read(s.GetUserProfile([]string{uid}, s.GetUserProfile.WithData(data)))
		},
		suggestProfiles: func(body string) answer {
			return read(s.SuggestUserProfiles(s.SuggestUserProfiles.WithBody(text(body))))
		},
		updateProfile:     func(uid, body string) answer { return read(s.UpdateUserProfileData(text(body), uid)) },
		enableProfile:     func(uid string) answer { return read(s.EnableUserProfile(uid)) },
		disableProfile:    func(uid string) answer { return read(s.DisableUserProfile(uid)) },
		profilePrivileges: func(body string) answer { return read(s.HasPrivilegesUserProfile(text(body))) },

		settings: func() answer { return read(s.GetSettings()) },
		serviceAccounts: func(namespace, service string) answer {
			return read(s.GetServiceAccounts(s.GetServiceAccounts.WithNamespace(namespace),
				s.GetServiceAccounts.WithService(service)))
		},
		serviceCredentials: func() answer { return read(s.GetServiceCredentials("elastic", "fleet-server")) },
		createServiceToken: func(name string) answer {
			return read(s.CreateServiceToken("elastic", "fleet-server", s.CreateServiceToken.WithName(name)))
		},
		clearServiceTokens: func(name string) answer {
			return read(s.ClearCachedServiceTokens([]string{name}, "elastic", "fleet-server"))
		},
		deleteServiceToken: func(name string) answer { return read(s.DeleteServiceToken(name, "elastic", "fleet-server")) },
		prepareSAML:        func(body string) answer { return read(s.SamlPrepareAuthentication(text(body))) },
		authenticateSAML:   func(body string) answer { return read(s.SamlAuthenticate(text(body))) },
		logoutSAML:         func(body string) answer { return read(s.SamlLogout(text(body))) },
		invalidateSAML:     func(body string) answer { return read(s.SamlInvalidate(text(body))) },
		metadataSAML:       func(realm string) answer { return read(s.SamlServiceProviderMetadata(realm)) },
		getToken:           func(body string) answer { return read(s.GetToken(text(body))) },
		invalidateToken:    func(body string) answer { return read(s.InvalidateToken(text(body))) },
	}
}
