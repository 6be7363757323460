using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace QuorumMesh.Tests.Shared.Vaults;

/// <summary>One answer of the model: a null body is an empty one.</summary>
public sealed record ModelAnswer(int Status, JsonObject? Body, string? Location = null);

/// <summary>
/// A vault in memory that answers as Vault 1.8 or OpenBao 2.6 does what a key provider and its operator ask: KV version 2, transit,
/// tokens, AppRole, Kubernetes and JWT log-in, response wrapping. It is held against the recorded sessions of both.
/// </summary>
public sealed class VaultModel(TimeProvider time, bool openBao)
{
    public const string RootToken = "s.TESTroot0000000000000000";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Secret> _secrets = [];
    private readonly Dictionary<string, TransitKey> _transit = [];
    private readonly Dictionary<string, Token> _tokens = [];
    private readonly Dictionary<string, Role> _roles = [];
    private readonly Dictionary<string, string> _secretIds = [];
    private readonly Dictionary<string, int> _secretIdUses = [];
    private readonly Dictionary<string, (string Path, JsonObject Envelope, DateTimeOffset Ends)> _wrapped = [];

    /// <summary>JWTs that the Kubernetes and JWT log-ins take.</summary>
    public HashSet<string> GoodJwts { get; } = [];

    /// <summary>The role that they log in to, with its times.</summary>
    public (string Name, int Ttl, int MaxTtl) JwtRole { get; set; } = ("enclave", 3600, 7200);

    /// <summary>Paths (without v1/) whose reading a token that is not root is refused, by their beginning.</summary>
    public List<string> Forbidden { get; } = [];

    /// <summary>The KV engine's own max_versions.</summary>
    public int MaxVersions { get; set; }

    public bool Sealed { get; set; }

    /// <summary>Answers 307 to this address for everything; null answers itself.</summary>
    public string? RedirectTo { get; set; }

    /// <summary>Answers this status with this text so many times more.</summary>
    public (int Times, int Status, string Text) Fault { get; set; }

    /// <summary>So many writes of secrets more are taken, and their answers lost.</summary>
    public int LostAnswers { get; set; }

    /// <summary>Answers so to every path that begins like this.</summary>
    public (string Path, int Status, string Text)? FaultAt { get; set; }

    /// <summary>Method, path and token of every request, in order.</summary>
    public List<(string Method, string Path, string? Token)> Requests { get; } = [];

    public int Count(string path)
    {
        lock (_lock)
            return Requests.Count(r => r.Path.StartsWith(path, StringComparison.Ordinal));
    }

    public ModelAnswer Answer(string method, string path, string? query, string? token, string? wrapTtl, JsonNode? body)
    {
        lock (_lock)
        {
            Requests.Add((method, path, token));
            if (RedirectTo is not null)
                return new(307, null, $"{RedirectTo}/v1/{path}{(query is { Length: > 0 } ? "?" + query : "")}");
            if (Sealed)
                return Error(503, token is null || openBao ? "Vault is sealed" : "error performing token check: Vault is sealed");
            if (FaultAt is { } fault && path.StartsWith(fault.Path, StringComparison.Ordinal))
                return Error(fault.Status, fault.Text);
            if (Fault.Times > 0)
            {
                Fault = Fault with { Times = Fault.Times - 1 };
                return Error(Fault.Status, Fault.Text);
            }

            var answer = Wrap(Route(method, path, query, token, body as JsonObject), path, wrapTtl);
            if (LostAnswers == 0 || method == "GET" || !path.Contains("/data/", StringComparison.Ordinal))
                return answer;
            LostAnswers--;
            return Error(500, "local node not active but active cluster node not found");
        }
    }

    /// <summary>Writes a version of a secret as an operator does.</summary>
    public void Write(string path, JsonObject data) =>
        Answer("POST", path, null, RootToken, null, new JsonObject { ["data"] = data });

    private static ModelAnswer Error(int status, params string[] errors) =>
        new(status, new JsonObject { ["errors"] = new JsonArray([.. errors.Select(e => (JsonNode)e)]) });

    private static ModelAnswer Ok(JsonObject? data, JsonObject? auth = null, params string[] warnings) => new(200, new JsonObject
    {
        ["request_id"] = Guid.NewGuid().ToString(),
        ["lease_id"] = "",
        ["renewable"] = false,
        ["lease_duration"] = 0,
        ["data"] = data,
        ["wrap_info"] = null,
        ["warnings"] = warnings.Length > 0 ? new JsonArray([.. warnings.Select(w => (JsonNode)w)]) : null,
        ["auth"] = auth,
    });

    private ModelAnswer Route(string method, string path, string? query, string? token, JsonObject? body)
    {
        if (path == "sys/health")
            return new(200, new JsonObject { ["initialized"] = true, ["sealed"] = false, ["standby"] = false });
        if (path.StartsWith("auth/", StringComparison.Ordinal) && path.EndsWith("/login", StringComparison.Ordinal))
            return LogIn(path["auth/".Length..^"/login".Length], body ?? []);
        if (path == "sys/wrapping/lookup")
            return Wrapped(Text(body, "token"), open: false);
        if (path == "sys/wrapping/unwrap")
            return Wrapped(Text(body, "token") ?? token, open: true);
        if (string.IsNullOrEmpty(token))
            return openBao ? Error(403, "permission denied") : Error(400, "missing client token");
        if (token != RootToken && !(_tokens.TryGetValue(token, out var known) && known.Ends > time.GetUtcNow()))
            return Error(403, "permission denied");
        if (path.StartsWith("auth/token/", StringComparison.Ordinal))
            return OwnToken(method, path["auth/token/".Length..], token);
        if (token != RootToken && Forbidden.Any(f => path.StartsWith(f, StringComparison.Ordinal)))
            return Error(403, "1 error occurred:\n\t* permission denied\n\n");
        var parts = path.Split('/');
        if (parts is ["auth", _, "role", _, ..])
            return RoleOf(parts, body);
        if (parts is ["auth", _, "config"])
            return new(204, null);
        if (parts is ["transit", _, ..])
            return Transit(method, parts, body ?? []);
        if (parts is ["sys", ..])
            return new(204, null);
        if (parts is [_, "config"] && method == "GET")
            return Ok(new JsonObject { ["cas_required"] = false, ["delete_version_after"] = "0s", ["max_versions"] = MaxVersions });
        return parts is [_, "data" or "metadata" or "delete" or "undelete" or "destroy", _, ..]
            ? Kv(method, parts, query, body)
            : Error(404, openBao ? $"no handler for route \"{path}\". route entry not found." : $"no handler for route '{path}'");
    }

    // ---- wrapping

    private ModelAnswer Wrap(ModelAnswer answer, string path, string? ttl)
    {
        if (ttl is null || answer.Status != 200)
            return answer;
        var token = NewToken();
        var life = TimeSpan.FromSeconds(int.Parse(ttl.TrimEnd('s'), CultureInfo.InvariantCulture));
        _wrapped[token] = (path, answer.Body!, time.GetUtcNow() + life);
        return new(200, new JsonObject { ["request_id"] = "", ["data"] = null, ["wrap_info"] = new JsonObject { ["token"] = token } });
    }

    private ModelAnswer Wrapped(string? token, bool open)
    {
        if (token is null || !_wrapped.TryGetValue(token, out var found) || found.Ends <= time.GetUtcNow())
            return Error(400, "wrapping token is not valid or does not exist");
        if (!open)
            return Ok(new JsonObject
            {
                ["creation_path"] = found.Path,
                ["creation_time"] = Stamp(time.GetUtcNow()),
                ["creation_ttl"] = 120,
            });
        _wrapped.Remove(token);
        return new(200, found.Envelope);
    }

    // ---- tokens and log-in

    private string NewToken() => "s.TEST" + Convert.ToHexString(RandomNumberGenerator.GetBytes(10));

    private JsonObject Issue(string roleName, int ttl, int maxTtl)
    {
        var token = NewToken();
        var now = time.GetUtcNow();
        _tokens[token] = new Token(ttl, now + TimeSpan.FromSeconds(maxTtl), roleName) { Ends = now + TimeSpan.FromSeconds(ttl) };
        return Auth(token, ttl);
    }

    private JsonObject Auth(string token, int lease)
    {
        var auth = new JsonObject
        {
            ["client_token"] = token,
            ["accessor"] = "accessor",
            ["policies"] = new JsonArray("default", "enclave"),
            ["token_policies"] = new JsonArray("default", "enclave"),
            ["metadata"] = new JsonObject { ["role_name"] = _tokens[token].Role },
            ["lease_duration"] = lease,
            ["renewable"] = true,
            ["entity_id"] = "entity",
            ["token_type"] = "service",
            ["orphan"] = true,
        };
        if (openBao)
            (auth["mfa_requirement"], auth["num_uses"]) = (null, 0);
        return auth;
    }

    private ModelAnswer OwnToken(string method, string what, string token)
    {
        var own = _tokens.GetValueOrDefault(token);
        switch (what)
        {
            case "lookup-self" when method == "GET":
                return Ok(new JsonObject
                {
                    ["id"] = token,
                    ["ttl"] = own is null ? 0 : (int)Math.Floor((own.Ends - time.GetUtcNow()).TotalSeconds),
                    ["renewable"] = own is not null,
                });
            case "renew-self" when own is null:
                return Error(400, "lease is not renewable");
            case "renew-self":
                var most = (own.Last - time.GetUtcNow()).TotalSeconds;
                var lease = (int)Math.Min(own.Ttl, openBao ? Math.Round(most) : Math.Floor(most));
                own.Ends = time.GetUtcNow() + TimeSpan.FromSeconds(lease);
                return lease < own.Ttl
                    ? Ok(null, Auth(token, lease),
                        $"TTL of \"{own.Ttl}s\" exceeded the effective max_ttl of \"{lease}s\"; TTL value is capped accordingly")
                    : Ok(null, Auth(token, lease));
            case "revoke-self":
                _tokens.Remove(token);
                return new(204, null);
            default:
                return Error(405, "1 error occurred:\n\t* unsupported operation\n\n");
        }
    }

    private ModelAnswer LogIn(string method, JsonObject body)
    {
        if (method.StartsWith("kubernetes", StringComparison.Ordinal))
            return GoodJwts.Contains(Text(body, "jwt") ?? "") && Text(body, "role") == JwtRole.Name
                ? Ok(null, Issue(JwtRole.Name, JwtRole.Ttl, JwtRole.MaxTtl)) : Error(403, "permission denied");
        if (method.StartsWith("jwt", StringComparison.Ordinal))
            return GoodJwts.Contains(Text(body, "jwt") ?? "") && Text(body, "role") == JwtRole.Name
                ? Ok(null, Issue(JwtRole.Name, JwtRole.Ttl, JwtRole.MaxTtl))
                : Error(400, "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience");
        var role = _roles.Values.FirstOrDefault(r => r.Id == Text(body, "role_id"));
        if (role is null)
            return Error(400, openBao ? "invalid role or secret ID" : "invalid role ID");
        var secret = Text(body, "secret_id");
        if (secret is null)
            return Error(400, "missing secret_id");
        if (_secretIds.GetValueOrDefault(secret) != role.Name)
            return Error(400, openBao ? "invalid role or secret ID" : "invalid secret id");
        var uses = _secretIdUses[secret] = _secretIdUses.GetValueOrDefault(secret) + 1;
        if (role.Uses > 0 && uses >= role.Uses)
            _secretIds.Remove(secret);
        return Ok(null, Issue(role.Name, role.Ttl, role.MaxTtl));
    }

    private ModelAnswer RoleOf(string[] parts, JsonObject? body)
    {
        if (parts[1] is "kubernetes" or "jwt")
            return new(204, null);
        var name = parts[3];
        switch (parts.ElementAtOrDefault(4))
        {
            case null:
                _roles[name] = new Role(name, Guid.NewGuid().ToString(), Seconds(body, "token_ttl"), Seconds(body, "token_max_ttl"),
                    (int?)body?["secret_id_num_uses"] ?? 0);
                return new(204, null);
            case "role-id":
                return Ok(new JsonObject { ["role_id"] = _roles[name].Id });
            default:
                var secret = Guid.NewGuid().ToString();
                _secretIds[secret] = name;
                var data = new JsonObject
                {
                    ["secret_id"] = secret,
                    ["secret_id_accessor"] = Guid.NewGuid().ToString(),
                    ["secret_id_ttl"] = 0,
                };
                if (openBao)
                    data["secret_id_num_uses"] = _roles[name].Uses;
                return Ok(data);
        }
    }

    private static int Seconds(JsonObject? body, string name) =>
        int.TryParse(Text(body, name)?.TrimEnd('s'), out var seconds) ? seconds : 2_764_800;

    // ---- KV version 2

    private ModelAnswer Kv(string method, string[] parts, string? query, JsonObject? body)
    {
        var name = parts[0] + "/" + string.Join('/', parts[2..]);
        var secret = _secrets.GetValueOrDefault(name);
        switch (parts[1], method)
        {
            case ("data", "GET"):
                return ReadData(secret, query);
            case ("data", "POST" or "PUT"):
                return WriteData(name, secret, body);
            case ("data", "DELETE"):
                if (secret is not null && secret.Versions.TryGetValue(secret.Current, out var latest))
                    latest.Deleted ??= time.GetUtcNow();
                return new(204, null);
            case ("metadata", "GET"):
                return secret is null || secret.Current == 0 ? Error(404) : Ok(Metadata(secret));
            case ("metadata", "DELETE"):
                _secrets.Remove(name);
                return new(204, null);
            case ("metadata", "POST" or "PUT"):
                secret = _secrets[name] = secret ?? new Secret();
                secret.MaxVersions = (int?)body?["max_versions"] ?? secret.MaxVersions;
                secret.CasRequired = (bool?)body?["cas_required"] ?? secret.CasRequired;
                secret.DeleteAfter = Text(body, "delete_version_after") is { } after && after != "0s"
                    ? TimeSpan.FromSeconds(int.Parse(after.TrimEnd('s'), CultureInfo.InvariantCulture)) : TimeSpan.Zero;
                return new(204, null);
            case ("data", _):
                return Error(405, "1 error occurred:\n\t* unsupported operation\n\n");
        }

        foreach (var number in body?["versions"]?.AsArray() ?? [])
            if (secret?.Versions.GetValueOrDefault((int)number!) is { } version)
            {
                if (parts[1] == "destroy")
                    (version.Destroyed, version.Data) = (true, null);
                else if (!version.Destroyed)
                    version.Deleted = parts[1] == "delete" ? version.Deleted ?? time.GetUtcNow() : null;
            }

        return new(204, null);
    }

    private ModelAnswer ReadData(Secret? secret, string? query)
    {
        var asked = 0;
        if (query?.StartsWith("version=", StringComparison.Ordinal) == true
            && !int.TryParse(query["version=".Length..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out asked))
            return openBao
                ? Error(400, "Field validation failed: error converting input for field \"version\": '' cannot parse value as 'int': "
                    + "strconv.ParseInt: invalid syntax")
                : Error(500, "1 error occurred:\n\t* error converting input two for field \"version\": cannot parse '' as int: "
                    + "strconv.ParseInt: parsing \"two\": invalid syntax\n\n");
        var number = asked > 0 ? asked : secret?.Current ?? 0;
        if (secret?.Versions.GetValueOrDefault(number) is not { } version)
            return Error(404);
        var metadata = Describe(version, openBao);
        metadata["version"] = number;
        var gone = version.Destroyed || version.Deleted <= time.GetUtcNow();
        var answer = Ok(new JsonObject { ["data"] = gone ? null : version.Data?.DeepClone(), ["metadata"] = metadata });
        return gone ? answer with { Status = 404 } : answer;
    }

    private ModelAnswer WriteData(string name, Secret? secret, JsonObject? body)
    {
        if (body is null || !body.ContainsKey("data"))
            return Error(400, "no data provided");
        var cas = (int?)body["options"]?["cas"];
        if (cas is null && secret?.CasRequired == true)
            return Error(400, "check-and-set parameter required for this call");
        if (cas is not null && cas != (secret?.Current ?? 0))
            return Error(400, "check-and-set parameter did not match the current version");
        secret = _secrets[name] = secret ?? new Secret();
        var now = time.GetUtcNow();
        var version = secret.Versions[++secret.Current] = new Version(now, body["data"]?.DeepClone())
        {
            Deleted = secret.DeleteAfter > TimeSpan.Zero ? now + secret.DeleteAfter : null,
        };
        var kept = Math.Max(secret.MaxVersions, MaxVersions);
        foreach (var old in secret.Versions.Keys.Where(v => v <= secret.Current - (kept > 0 ? kept : 10)).ToList())
            secret.Versions.Remove(old);
        var data = Describe(version, openBao);
        data["version"] = secret.Current;
        return Ok(data);
    }

    private JsonObject Metadata(Secret secret)
    {
        var versions = new JsonObject();
        foreach (var (number, version) in secret.Versions)
            versions[number.ToString(CultureInfo.InvariantCulture)] = Describe(version, withCustom: false);
        var data = new JsonObject
        {
            ["cas_required"] = secret.CasRequired,
            ["created_time"] = Stamp(time.GetUtcNow()),
            ["current_version"] = secret.Current,
            ["delete_version_after"] = "0s",
            ["max_versions"] = secret.MaxVersions,
            ["oldest_version"] = secret.Versions.Keys.Min() is > 1 and var oldest ? oldest : 0,
            ["updated_time"] = Stamp(time.GetUtcNow()),
            ["versions"] = versions,
        };
        if (openBao)
            (data["current_metadata_version"], data["custom_metadata"], data["metadata_cas_required"]) = (0, null, false);
        return data;
    }

    private static JsonObject Describe(Version version, bool withCustom)
    {
        var data = new JsonObject
        {
            ["created_time"] = Stamp(version.Created),
            ["deletion_time"] = version.Deleted is { } deleted ? Stamp(deleted) : "",
            ["destroyed"] = version.Destroyed,
        };
        if (withCustom)
            data["custom_metadata"] = null;
        return data;
    }

    private static string Stamp(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    // ---- transit: base64(nonce 12, AES-256-GCM, tag 16)

    private ModelAnswer Transit(string method, string[] parts, JsonObject body)
    {
        if (parts[1] == "keys")
            return Key(method, parts, body);
        var name = parts[2];
        if (parts[1] == "encrypt")
            _transit.TryAdd(name, new TransitKey());
        if (!_transit.TryGetValue(name, out var key))
            return Error(400, "encryption key not found");
        if (parts[1] == "encrypt")
        {
            if (Text(body, "plaintext") is not { } plain)
                return Error(400, "missing plaintext to encrypt");
            var bytes = new byte[plain.Length];
            if (!Convert.TryFromBase64String(plain, bytes, out var length))
                return Error(400, "illegal base64 data at input byte 0");
            var version = (int?)body["key_version"] ?? key.Latest;
            return version > key.Latest ? Error(400, "requested version for encryption is higher than the latest key version")
                : Ok(new JsonObject { ["ciphertext"] = key.Encrypt(bytes.AsSpan(0, length), version), ["key_version"] = version });
        }

        if (Text(body, "ciphertext") is not { } cipherText)
            return Error(400, "missing ciphertext to decrypt");
        if (key.TryDecrypt(cipherText, out var opened) is { } problem)
            return problem.StartsWith("cipher:", StringComparison.Ordinal)
                ? openBao ? Error(400, problem) : Error(500, $"1 error occurred:\n\t* {problem}\n\n")
                : Error(400, problem);
        return parts[1] == "rewrap"
            ? Ok(new JsonObject { ["ciphertext"] = key.Encrypt(opened, key.Latest), ["key_version"] = key.Latest })
            : Ok(new JsonObject { ["plaintext"] = Convert.ToBase64String(opened) });
    }

    private ModelAnswer Key(string method, string[] parts, JsonObject body)
    {
        if (method == "GET")
            return _transit.TryGetValue(parts[2], out var found)
                ? Ok(new JsonObject { ["latest_version"] = found.Latest, ["min_decryption_version"] = found.Least })
                : Error(404);
        var key = _transit.TryGetValue(parts[2], out var there) ? there : _transit[parts[2]] = new TransitKey();
        if (parts.ElementAtOrDefault(3) == "rotate")
            key.Rotate();
        if (parts.ElementAtOrDefault(3) == "config" && (int?)body["min_decryption_version"] is { } least)
            key.Least = least;
        return openBao ? Ok(new JsonObject { ["latest_version"] = key.Latest }) : new(204, null);
    }

    private static string? Text(JsonObject? body, string name) =>
        body?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private sealed record Role(string Name, string Id, int Ttl, int MaxTtl, int Uses);

    private sealed record Token(int Ttl, DateTimeOffset Last, string Role)
    {
        public DateTimeOffset Ends { get; set; }
    }

    private sealed class Secret
    {
        public SortedDictionary<int, Version> Versions { get; } = [];

        public int Current { get; set; }

        public int MaxVersions { get; set; }

        public bool CasRequired { get; set; }

        public TimeSpan DeleteAfter { get; set; }
    }

    private sealed class Version(DateTimeOffset created, JsonNode? data)
    {
        public DateTimeOffset Created => created;

        public JsonNode? Data { get; set; } = data;

        public DateTimeOffset? Deleted { get; set; }

        public bool Destroyed { get; set; }
    }

    private sealed class TransitKey
    {
        private readonly List<byte[]> _keys = [RandomNumberGenerator.GetBytes(32)];

        public int Latest => _keys.Count;

        public int Least { get; set; } = 1;

        public void Rotate() => _keys.Add(RandomNumberGenerator.GetBytes(32));

        public string Encrypt(ReadOnlySpan<byte> plain, int version)
        {
            var sealedText = new byte[12 + plain.Length + 16];
            RandomNumberGenerator.Fill(sealedText.AsSpan(0, 12));
            using var aes = new AesGcm(_keys[version - 1], 16);
            aes.Encrypt(sealedText.AsSpan(0, 12), plain, sealedText.AsSpan(12, plain.Length), sealedText.AsSpan(12 + plain.Length));
            return $"vault:v{version}:{Convert.ToBase64String(sealedText)}";
        }

        /// <summary>The error, or null.</summary>
        public string? TryDecrypt(string text, out byte[] plain)
        {
            plain = [];
            var parts = text.Split(':', 3);
            if (parts is not ["vault", ['v', .. var number], var base64])
                return "invalid ciphertext: no prefix";
            var version = Math.Max(1, int.Parse(number, CultureInfo.InvariantCulture));
            if (version > Latest)
                return "invalid ciphertext: version is too new";
            if (version < Least)
                return "ciphertext or signature version is disallowed by policy (too old)";
            var bytes = new byte[base64.Length];
            if (!Convert.TryFromBase64String(base64, bytes, out var length))
                return "invalid ciphertext: could not decode base64";
            if (length < 28)
                return "invalid ciphertext length";
            plain = new byte[length - 28];
            using var aes = new AesGcm(_keys[version - 1], 16);
            try
            {
                aes.Decrypt(bytes.AsSpan(0, 12), bytes.AsSpan(12, length - 28), bytes.AsSpan(length - 16, 16), plain);
                return null;
            }
            catch (AuthenticationTagMismatchException)
            {
                return "cipher: message authentication failed";
            }
        }
    }
}
