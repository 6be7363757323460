using System.Globalization;
using System.Text;
using System.Text.Json;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>
/// A token at a vault: got by a log-in, renewed at two thirds of its life, replaced by a new log-in while it still works when a renewal
/// no longer lengthens it. Calls come one at a time.
/// </summary>
/// <remarks>The token itself is a managed string, for it is an HTTP header; private keys and secret ids never are.</remarks>
internal sealed class VaultSession : IDisposable
{
    /// <summary>A role id is locked for 15 minutes after five wrong log-ins (OpenBao): two tries in this time leave room.</summary>
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan StandbyIsBehind = TimeSpan.FromSeconds(1);

    private readonly VaultSettings _settings;
    private readonly SecretReader _secrets;
    private readonly TimeProvider _time;
    private VaultConnection _connection;
    private SecretBuffer? _unwrapped;
    private string? _token;
    private TimeSpan _lease;
    private bool _renewable;
    private DateTimeOffset? _ends;
    private DateTimeOffset _noLogInBefore;
    private KeyException? _refusal;

    public VaultSession(VaultSettings settings, SecretReader secrets, TimeProvider time)
    {
        _settings = settings;
        _secrets = secrets;
        _time = time;
        _connection = new VaultConnection(settings, secrets, time);
    }

    public VaultSettings Settings => _settings;

    /// <summary>When <see cref="TendAsync"/> is due; null for a token without end.</summary>
    public DateTimeOffset? TendAt => _token is not null && _ends is { } ends ? ends - (_lease / 3) : null;

    /// <summary>Reads certificates anew and lets a log-in be tried at once: an operator has changed something.</summary>
    public void Reopen()
    {
        var before = _connection;
        _connection = new VaultConnection(_settings, _secrets, _time);
        before.Dispose();
        _noLogInBefore = default;
    }

    public void Dispose()
    {
        _connection.Dispose();
        _unwrapped?.Dispose();
    }

    /// <summary>Renews the token if it is due, or logs in anew.</summary>
    public async Task TendAsync(CancellationToken cancellation)
    {
        if (TendAt is { } due && due <= _time.GetUtcNow())
            await TokenAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>An answer with the token's rights; a token that is refused is replaced once.</summary>
    /// <exception cref="KeyUnavailableException">The vault is sealed, away or busy.</exception>
    /// <exception cref="KeyException">The vault lets us in no more.</exception>
    public async Task<VaultAnswer> SendAsync(
        string path, ReadOnlyMemory<byte>? json, CancellationToken cancellation, bool repeatable = true)
    {
        for (var attempt = 0; ; attempt++)
        {
            var token = await TokenAsync(cancellation).ConfigureAwait(false);
            var answer = await _connection.SendAsync(new VaultRequest(path, token, json, repeatable), cancellation).ConfigureAwait(false);
            switch (answer.Verdict)
            {
                case VaultVerdict.TokenRefused when attempt == 0:
                    answer.Dispose();
                    _token = null;
                    continue;
                case VaultVerdict.TokenRefused or VaultVerdict.Forbidden or VaultVerdict.Passing:
                    using (answer)
                        throw Explain(path, answer);
                default:
                    return answer;
            }
        }
    }

    private async Task<string> TokenAsync(CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        if (_token is not null && (TendAt is not { } due || now < due))
            return _token;
        if (_token is not null && _renewable && now < _ends && await RenewAsync(_token, cancellation).ConfigureAwait(false))
            return _token;
        var old = now < _ends ? _token : null;
        try
        {
            return await LogInAsync(cancellation).ConfigureAwait(false);
        }
        catch (KeyException) when (old is not null)
        {
            // Still good for a while: the next call tries again.
            return old;
        }
    }

    /// <summary>False when the token will not live much longer: time for a new log-in.</summary>
    private async Task<bool> RenewAsync(string token, CancellationToken cancellation)
    {
        using var answer = await _connection.SendAsync(new VaultRequest("auth/token/renew-self", token, "{}"u8.ToArray()), cancellation)
            .ConfigureAwait(false);
        if (answer.Verdict != VaultVerdict.Done || answer.Body is not { } body || SecretJson.Member(body, "auth") is not { } auth)
            return false;
        var before = _lease;
        Take(token, auth);
        // Near max_ttl a renewal is 200 and ever shorter; nothing but the answer tells (Vault 1.8 and OpenBao alike).
        _lease = before > _lease ? before : _lease;
        return _ends is null || _ends - _time.GetUtcNow() > _lease / 2;
    }

    private async Task<string> LogInAsync(CancellationToken cancellation)
    {
        if (_refusal is not null && _time.GetUtcNow() < _noLogInBefore)
            throw _refusal;
        try
        {
            var token = _settings.Auth == VaultAuth.Token
                ? await OwnTokenAsync(cancellation).ConfigureAwait(false)
                : await LogInTwiceAsync(cancellation).ConfigureAwait(false);
            _refusal = null;
            return token;
        }
        catch (KeyException e) when (e is not KeyUnavailableException)
        {
            _refusal = e;
            _noLogInBefore = _time.GetUtcNow() + AfterRefusal;
            throw;
        }
    }

    /// <summary>A secret id made a moment ago may be unknown to a standby: one more try, and no more (five lock the role id).</summary>
    private async Task<string> LogInTwiceAsync(CancellationToken cancellation)
    {
        using var body = await CredentialsAsync(cancellation).ConfigureAwait(false);
        var request = new VaultRequest($"auth/{VaultPath.Escape(_settings.AuthPath)}/login", null, body.Written, Repeatable: false);
        for (var attempt = 0; ; attempt++)
        {
            using var answer = await _connection.SendAsync(request, cancellation).ConfigureAwait(false);
            if (answer.Verdict == VaultVerdict.Done && answer.Body is { } reply && SecretJson.Member(reply, "auth") is { } auth)
                return Take(TokenOf(auth), auth);
            var mayPass = attempt == 0 && _settings.Auth == VaultAuth.AppRole && answer.Status == 400 && answer.Errors.Contains("secret",
                StringComparison.OrdinalIgnoreCase);
            if (!mayPass)
                throw ExplainLogIn(answer);
            await Task.Delay(StandbyIsBehind, _time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<SecretWriter> CredentialsAsync(CancellationToken cancellation)
    {
        if (_settings.Auth == VaultAuth.AppRole)
        {
            using var roleId = _secrets.Required(_settings.Setting, _settings.RoleId);
            if (_settings.Wrapped)
            {
                _unwrapped ??= await UnwrapAsync(_settings.SecretId, "secret_id", cancellation).ConfigureAwait(false);
                return SecretWriter.Object(("role_id", roleId), ("secret_id", _unwrapped));
            }

            using var secretId = _secrets.Required(_settings.Setting, _settings.SecretId);
            return SecretWriter.Object(("role_id", roleId), ("secret_id", secretId));
        }

        // Read each time: Kubernetes writes a new one before the old one ends.
        using var jwt = _secrets.Required(_settings.Setting, _settings.Jwt);
        using var role = SecretBuffer.CopyOf(Encoding.UTF8.GetBytes(_settings.Role!));
        return SecretWriter.Object(("role", role), ("jwt", jwt));
    }

    private async Task<string> OwnTokenAsync(CancellationToken cancellation)
    {
        using var secret = _settings.Wrapped
            ? _unwrapped is null ? await UnwrapAsync(_settings.Token, "client_token", cancellation).ConfigureAwait(false)
                : SecretBuffer.CopyOf(_unwrapped.Span)
            : _secrets.Required(_settings.Setting, _settings.Token);
        if (_settings.Wrapped && _unwrapped is null)
            _unwrapped = SecretBuffer.CopyOf(secret.Span);
        var token = CheckedToken(Encoding.UTF8.GetString(secret.Span));
        using var answer = await _connection.SendAsync(new VaultRequest("auth/token/lookup-self", token), cancellation)
            .ConfigureAwait(false);
        switch (answer.Verdict)
        {
            case VaultVerdict.Done when answer.Data is { } data:
                return Take(token, data, "ttl");
            // Without the default policy: a good token that cannot be looked at, or renewed.
            case VaultVerdict.Forbidden:
                _ends = null;
                return _token = token;
            case VaultVerdict.TokenRefused:
                throw new KeyException(_settings.Setting,
                    $"the vault does not take the token in {_settings.Token}: wrong, expired, revoked or used up; a new one is needed");
            default:
                throw Explain("auth/token/lookup-self", answer);
        }
    }

    /// <summary>Opens a wrapping token, once: whoever else has opened it first is seen here.</summary>
    private async Task<SecretBuffer> UnwrapAsync(SecretPlace place, string member, CancellationToken cancellation)
    {
        using var wrapping = _secrets.Required(_settings.Setting, place);
        using (var question = SecretWriter.Object(("token", wrapping)))
        using (var seen = await _connection.SendAsync(new VaultRequest("sys/wrapping/lookup", null, question.Written), cancellation)
            .ConfigureAwait(false))
        {
            if (seen.Verdict == VaultVerdict.Passing)
                throw Explain("sys/wrapping/lookup", seen);
            CheckOrigin(place, seen, member);
        }

        var token = CheckedToken(Encoding.UTF8.GetString(wrapping.Span));
        using var answer = await _connection.SendAsync(
            new VaultRequest("sys/wrapping/unwrap", token, "{}"u8.ToArray(), Repeatable: false), cancellation).ConfigureAwait(false);
        if (answer.Verdict == VaultVerdict.Passing)
            throw Explain("sys/wrapping/unwrap", answer);
        var holder = answer.Body is { } body ? SecretJson.Member(body, member == "secret_id" ? "data" : "auth") : null;
        return answer.Verdict == VaultVerdict.Done && holder is { } found && SecretJson.Member(found, member) is not null
            ? SecretJson.TextBytes(_settings.Setting, found, member)
            : throw Spent(place);
    }

    private void CheckOrigin(SecretPlace place, VaultAnswer seen, string member)
    {
        if (seen.Verdict != VaultVerdict.Done || seen.Data is not { } data || SecretJson.Text(data, "creation_path") is not { } origin)
            throw Spent(place);
        var fits = member == "secret_id"
            ? origin.StartsWith($"auth/{_settings.AuthPath}/role/", StringComparison.Ordinal)
                && origin.EndsWith("/secret-id", StringComparison.Ordinal)
            : origin.StartsWith("auth/token/create", StringComparison.Ordinal);
        if (!fits)
            throw new KeyException(_settings.Setting, $"the wrapping token in {place} was made at {origin}, where no {member} for us comes "
                + "from: somebody may have put it in the place of ours");
    }

    private KeyException Spent(SecretPlace place) => new(_settings.Setting,
        $"the wrapping token in {place} is used up, has expired or never was. If no enclave of yours has used it, somebody else has what "
        + "was in it: revoke that, and write a new one");

    private string Take(string token, JsonElement lease, string seconds = "lease_duration")
    {
        var length = SecretJson.Member(lease, seconds) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number : 0;
        _renewable = SecretJson.Member(lease, "renewable") is { ValueKind: JsonValueKind.True };
        _lease = TimeSpan.FromSeconds(Math.Min(length, int.MaxValue));
        // A lease of 0 is a token without end (root). OpenBao rounds up by half a second at most.
        _ends = length > 0 ? _time.GetUtcNow() + _lease - TimeSpan.FromMilliseconds(500) : null;
        return _token = token;
    }

    private string TokenOf(JsonElement auth) =>
        CheckedToken(SecretJson.Text(auth, "client_token") ?? throw new KeyException(_settings.Setting, "the log-in gave no token"));

    private string CheckedToken(string token) => token.Length is > 0 and < 8192 && token.All(c => c is > ' ' and < (char)0x7f)
        ? token
        : throw new KeyException(_settings.Setting, "the token has characters that no token has; is it the right file?");

    private KeyException Explain(string path, VaultAnswer answer) => answer.Verdict switch
    {
        VaultVerdict.Passing => new KeyUnavailableException(_settings.Setting, $"the vault cannot answer now ({Words(answer)})"),
        VaultVerdict.TokenRefused => new KeyException(_settings.Setting,
            $"the vault refuses a token that it has just given, for {path} ({Words(answer)}); is it bound to another address or spent?"),
        VaultVerdict.Forbidden => new KeyException(_settings.Setting,
            $"the policy of our token does not allow {path} ({Words(answer)}); give it the right to read that"
            + (_settings.Namespace is null ? "" : $", in the namespace {_settings.Namespace}")),
        _ => new KeyException(_settings.Setting, $"the vault refuses {path} ({Words(answer)})"),
    };

    private KeyException ExplainLogIn(VaultAnswer answer)
    {
        // A 403 of Kubernetes log-in is also what comes while its API is away.
        var passes = answer.Verdict == VaultVerdict.Passing || (_settings.Auth == VaultAuth.Kubernetes && answer.Status is 403 or 500);
        var text = $"the log-in at auth/{_settings.AuthPath} failed ({Words(answer)})";
        return passes && answer.Status is 403 && _settings.Auth == VaultAuth.Kubernetes
            ? new KeyUnavailableException(_settings.Setting,
                text + "; the role may not fit this service account, or the vault cannot reach Kubernetes: it is tried again")
            : passes ? new KeyUnavailableException(_settings.Setting, text)
            : new KeyException(_settings.Setting, text + _settings.Auth switch
            {
                VaultAuth.AppRole => $"; check role id ({_settings.RoleId}) and secret id ({_settings.SecretId}): wrong, used up, expired "
                    + "or destroyed ones look alike",
                _ => $"; check the role '{_settings.Role}' and the token in {_settings.Jwt}",
            });
    }

    /// <summary>Vault's own words; a token that they quote is left out.</summary>
    private string Words(VaultAnswer answer)
    {
        var errors = _token is null ? answer.Errors : answer.Errors.Replace(_token, "(the token)", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{answer.Status}{(errors.Length > 0 ? " " : "")}{errors}");
    }
}
