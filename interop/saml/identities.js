"use strict";

// What the identity provider knows of its one user until somebody signs in with other values, and what of it others are
// told. Groups are parted by commas, and told one by one.
const attribute = (id, multiValue) => ({ id, multiValue, optional: false, displayName: id, description: id });

module.exports = {
  user: {
    userName: "",
    nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    displayName: "",
    email: "",
    groups: "",
  },
  metadata: [attribute("displayName", false), attribute("email", false), attribute("groups", true)],
};
