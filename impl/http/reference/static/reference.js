"use strict";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  filter: true,
  showExtensions: true,
  validatorUrl: null, // the renderer's default sends the contract's address to another site
  // Without it, a browser asks for a password when the server refuses a request.
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
});
