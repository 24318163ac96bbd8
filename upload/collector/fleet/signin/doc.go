// Package signin says who may look at the fleet's page: whom a reverse proxy vouches for ([Proxy]), or whom an OpenID provider does
// ([OIDC]). There is no third way, and nothing is open to everybody.
package signin
