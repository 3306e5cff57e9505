"""Documents of memory services, as their authors might write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: Json, **more: Any) -> Json:
    return {"content": {"application/json": {"schema": schema, **more}}}


def answer(schema: Json) -> Json:
    return {"200": {"description": "ok", **content(schema)}}


def taking(name: str, where: str = "query", kind: str = "string", **more: Any) -> Json:
    schema: Json = {
        "type": kind,
        **{key: more.pop(key) for key in ("default", "maximum", "enum") if key in more},
    }
    return {"name": name, "in": where, "required": where == "path", "schema": schema, **more}


def fields(required: str = "", **properties: Any) -> Json:
    """An object's schema. required: names of its fields, with spaces between them."""
    kinds = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()}
    return {"type": "object", "required": required.split(), "properties": kinds}


def document(paths: Json, version: str = "3.1.0", **more: Any) -> Json:
    return {"openapi": version, "info": {"title": "A service", "version": "1"}, "paths": paths, **more}


def written(folder: Path, given: Json, name: str = "openapi.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


MESSAGES = {"type": "array", "items": fields("role content", role="string", content="string")}
NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def mem0_like() -> Json:
    """A server whose framework writes the document: answers without a schema, optional fields with anyOf."""
    anything = {
        "200": {"description": "Successful Response", "content": {"application/json": {"schema": {}}}}
    }
    scopes = [
        {"name": name, "in": "query", "required": False, "schema": NULLABLE} for name in ("user_id", "run_id")
    ]
    one = [taking("memory_id", "path")]
    new = fields(
        "messages",
        messages=MESSAGES,
        user_id=NULLABLE,
        agent_id=NULLABLE,
        metadata={"type": "object"},
        infer="boolean",
    )
    search = fields("query", query="string", user_id=NULLABLE, filters={"type": "object"})
    bodies = {name: {"required": True, **content(ref(name))} for name in ("MemoryCreate", "SearchRequest")}
    text = {"required": True, **content(fields("text", text="string"))}
    return document(
        {
            "/configure": {"post": {"summary": "Configure Mem", "responses": anything}},
            "/memories": {
                "post": {
                    "summary": "Create memories",
                    "operationId": "add_memory_memories_post",
                    "requestBody": bodies["MemoryCreate"],
                    "responses": anything,
                },
                "get": {"summary": "Get memories", "parameters": scopes, "responses": anything},
                "delete": {"summary": "Delete all memories", "parameters": scopes, "responses": anything},
            },
            "/memories/{memory_id}": {
                "get": {"summary": "Get a memory", "parameters": one, "responses": anything},
                "put": {
                    "summary": "Update a memory",
                    "parameters": one,
                    "requestBody": text,
                    "responses": anything,
                },
                "delete": {"summary": "Delete a memory", "parameters": one, "responses": anything},
            },
            "/memories/{memory_id}/history": {
                "get": {"summary": "Get memory history", "parameters": one, "responses": anything}
            },
            "/search": {
                "post": {
                    "summary": "Search memories",
                    "requestBody": bodies["SearchRequest"],
                    "responses": anything,
                }
            },
            "/reset": {"post": {"summary": "Reset all memories", "responses": anything}},
        },
        components={
            "schemas": {"MemoryCreate": new, "SearchRequest": search},
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
        security=[{"ApiKey": []}],
        servers=[{"url": "https://memory.example.com"}],
    )


NOTES_YAML = """\
openapi: 3.0.3
info: {title: Notes, version: 2024-01-31}
servers:
  - url: https://{region}.notes.example.com/v1
    description: production
    variables:
      region: {default: eu, enum: [eu, us]}
  - url: https://staging.notes.example.com/v1
    description: Staging
paths:
  /notes:
    parameters:
      - $ref: '#/components/parameters/Owner'
    get:
      operationId: listNotes
      parameters:
        - {name: cursor, in: query, schema: {type: string}}
        - {name: limit, in: query, schema: {type: integer, maximum: 100}}
      responses:
        200:
          description: a page
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Page'}
    post:
      operationId: createNote
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [body, kind]
              properties:
                body: {type: string}
                kind: {type: string, enum: [plain, rich]}
      responses:
        201:
          description: the note
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Note'}
    delete:
      operationId: deleteNotes
      responses: {204: {description: gone}}
  /notes/search:
    parameters:
      - $ref: '#/components/parameters/Owner'
    get:
      operationId: searchNotes
      parameters:
        - {name: q, in: query, required: true, schema: {type: string}}
        - {name: top_k, in: query, schema: {type: integer}}
      responses:
        200:
          description: the best
          content:
            application/json:
              schema:
                type: object
                properties:
                  hits:
                    type: array
                    items:
                      type: object
                      properties:
                        score: {type: number}
                        note: {$ref: '#/components/schemas/Note'}
  /notes/{noteId}:
    parameters:
      - $ref: '#/components/parameters/Owner'
      - {name: noteId, in: path, required: true, schema: {type: string}}
    get:
      operationId: getNote
      responses:
        200:
          description: the note
          content:
            application/json:
              schema: {type: object, properties: {note: {$ref: '#/components/schemas/Note'}}}
    delete:
      operationId: deleteNote
      responses: {204: {description: gone}}
  /notes/count:
    parameters:
      - $ref: '#/components/parameters/Owner'
    get:
      operationId: countNotes
      responses:
        200:
          description: the number
          content:
            application/json:
              schema: {type: object, properties: {data: {type: object, properties: {total: {type: integer}}}}}
  /admin/export:
    get:
      operationId: exportEverything
      responses: {200: {description: all notes}}
components:
  parameters:
    Owner: {name: X-User-Id, in: header, required: true, schema: {type: string}}
  securitySchemes:
    token: {type: http, scheme: bearer}
  schemas:
    Page:
      type: object
      properties:
        data: {type: object, properties: {items: {type: array, items: {$ref: '#/components/schemas/Note'}}}}
        meta: {type: object, properties: {next_cursor: {type: string, nullable: true}}}
    Note:
      allOf:
        - $ref: '#/components/schemas/Thing'
        - type: object
          properties:
            body: {type: string}
            parent: {$ref: '#/components/schemas/Note'}
    Thing:
      type: object
      properties: {id: {type: string}, created: {type: string, format: date-time}}
security:
  - token: []
"""


def of_paths() -> Json:
    """The user in the path, an organisation before it, pages by number, and texts as plain strings."""
    user = [taking("org_id", "path"), taking("id", "path")]
    rows = {"type": "array", "items": {"type": "string"}}
    listing = [taking("page", kind="integer", default=0), taking("size", kind="integer")]
    base = "/orgs/{org_id}/users/{id}/facts"
    return document(
        {
            base: {
                "parameters": user,
                "get": {"parameters": listing, "responses": answer(fields(results=rows))},
                "post": {"requestBody": content(fields("text", text="string")), "responses": {"202": {}}},
                "delete": {"summary": "Forget all facts", "responses": {"204": {}}},
            },
            f"{base}/search": {
                "parameters": user,
                "post": {
                    "requestBody": content(fields("query source", query="string", source="string")),
                    "responses": answer(rows),
                },
            },
        },
        servers=[{"url": "/api"}],
    )


def signing_in() -> Json:
    """Each user signs in; no other request names the user; pages by the address of the next one."""
    bearer: list[Json] = [{"session": []}]
    rows = {"type": "array", "items": fields(id="integer", content="string")}
    listed = fields(
        count="integer", next={"type": "string", "format": "uri"}, previous="string", results=rows
    )
    return document(
        {
            "/memories": {
                "get": {"responses": answer(listed), "security": bearer},
                "post": {
                    "requestBody": content(fields("content", content="string", metadata={"type": "object"})),
                    "responses": answer(fields(id="integer")),
                    "security": bearer,
                },
                "delete": {"summary": "Delete all my memories", "responses": {"204": {}}, "security": bearer},
            },
            "/memories/query": {
                "post": {
                    "requestBody": content(fields("query", query="string", limit="integer")),
                    "responses": answer(fields(results=rows)),
                    "security": bearer,
                }
            },
            "/login": {
                "post": {
                    "requestBody": content(
                        fields("username password", **dict.fromkeys(("username", "password"), "string"))
                    ),
                    "responses": answer(fields(**dict.fromkeys(("access_token", "expires"), "string"))),
                }
            },
        },
        components={"securitySchemes": {"session": {"type": "http", "scheme": "bearer"}}},
        servers=[{"url": "http://localhost:9000/v1/"}, {"url": "https://memory.example.com/v1"}],
    )


def minimal(**changes: Any) -> Json:
    """A small whole service. changes: other operations on its first path."""
    rows = {"type": "array", "items": fields(id="string", text="string")}
    owner = [taking("owner")]
    operations = {
        "get": {"parameters": owner, "responses": answer(rows)},
        "post": {"requestBody": content(fields("text owner", text="string", owner="string"))},
        "delete": {"parameters": owner},
    }
    search = {"parameters": [*owner, taking("q")], "responses": answer(rows)}
    return document({"/memories": operations | changes, "/memories/search": {"get": search}})
