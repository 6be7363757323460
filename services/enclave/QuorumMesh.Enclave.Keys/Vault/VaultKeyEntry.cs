using System.Globalization;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>
/// The versions of one key in a vault: the latest seals, those before it open. Its metadata are asked where the policy allows, so that
/// private keys cross the network when something has changed and not at each look.
/// </summary>
/// <param name="seen">The latest version that was seen before; 0 takes what is there.</param>
internal sealed class VaultKeyEntry(VaultKeyReference reference, VaultSession session, TimeProvider time, int seen)
{
    private static readonly TimeSpan StandbyIsBehind = TimeSpan.FromSeconds(1);

    private string? _seen;
    private int _latest = seen;
    private bool _metadataForbidden;

    public VaultKeyReference Reference => reference;

    /// <summary>The latest version seen; 0 before the first. A vault that answers with an earlier one was set back.</summary>
    public int Latest => _latest;

    /// <summary>Whether the vault told of the entry at the last look, whatever it told: it is there and lets us in.</summary>
    public bool Answered { get; private set; }

    /// <summary>Older versions that could not be used at the last look, for the log.</summary>
    public IReadOnlyList<string> Passed { get; private set; } = [];

    /// <summary>The key's versions, the active one first; null when nothing has changed since the last look.</summary>
    /// <remarks>The caller owns them.</remarks>
    /// <exception cref="KeyUnavailableException">The vault cannot answer now.</exception>
    /// <exception cref="KeyException">The vault has no such key, does not give it, or it is no key pair.</exception>
    public async Task<IReadOnlyList<EnclaveKeyPair>?> LookAsync(bool anew, CancellationToken cancellation)
    {
        var metadata = _metadataForbidden ? null : await MetadataAsync(cancellation).ConfigureAwait(false);
        if (metadata is not null && !anew && metadata.Mark == _seen)
            return null;
        var pairs = new List<EnclaveKeyPair>();
        var passed = new List<string>();
        try
        {
            var latest = await LatestAsync(metadata, pairs, cancellation).ConfigureAwait(false);
            if (reference.Version == 0)
                await OlderAsync(latest, metadata, pairs, passed, cancellation).ConfigureAwait(false);
            _seen = metadata?.Mark;
            _latest = latest;
            Passed = passed;
            return pairs;
        }
        catch
        {
            pairs.ForEach(p => p.Dispose());
            throw;
        }
    }

    /// <summary>The next look reads everything.</summary>
    public void Forget() => _seen = null;

    /// <summary>The version that seals; its number is the answer.</summary>
    private async Task<int> LatestAsync(Versions? metadata, List<EnclaveKeyPair> pairs, CancellationToken cancellation)
    {
        var asked = reference.Version > 0 ? reference.Version : metadata?.Current ?? 0;
        for (var attempt = 0; ; attempt++)
        {
            using var answer = await ReadAsync(asked, cancellation).ConfigureAwait(false);
            if (answer.Verdict == VaultVerdict.Done)
            {
                var version = VersionOf(answer);
                if (version < _latest && attempt == 0)
                {
                    await Task.Delay(StandbyIsBehind, time, cancellation).ConfigureAwait(false);
                    continue;
                }

                // Payloads have been sealed for the newer key: going back would shut them.
                if (version < _latest)
                    throw new KeyException(reference.Setting, $"{reference} has gone back from version {_latest} to {version}; was the "
                        + $"vault restored from an older backup? Write version {_latest}'s pair again, or send SIGHUP to go back");
                pairs.Add(await PairAsync(answer, version, State(EnclaveKeyState.Active), cancellation).ConfigureAwait(false));
                return version;
            }

            // Its metadata name it and it is not there: a standby that is a moment behind.
            if (attempt > 0 || metadata is null || !metadata.IsReadable(asked))
                throw Missing(answer, asked);
            await Task.Delay(StandbyIsBehind, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task OlderAsync(
        int latest, Versions? metadata, List<EnclaveKeyPair> pairs, List<string> passed, CancellationToken cancellation)
    {
        var lowest = Math.Max(1, latest - session.Settings.OlderVersions);
        for (var version = latest - 1; version >= lowest; version--)
        {
            if (metadata is not null && !metadata.IsReadable(version))
                continue;
            using var answer = await ReadAsync(version, cancellation).ConfigureAwait(false);
            if (answer.Verdict == VaultVerdict.Done)
                await AddOlderAsync(answer, version, pairs, passed, cancellation).ConfigureAwait(false);
            // Without an envelope it never was or is pruned, and so are those before it; a deleted one has its metadata still.
            else if (answer.Data is null && metadata is null)
                return;
        }

        var isMore = metadata is not null ? metadata.Readable.Any(v => v < lowest)
            : await IsThereAsync(lowest - 1, cancellation).ConfigureAwait(false);
        if (isMore)
            passed.Add($"versions of {reference} before {lowest}: there are more than olderVersions allows; raise it, or destroy them");
    }

    private async Task<bool> IsThereAsync(int version, CancellationToken cancellation)
    {
        if (version < 1)
            return false;
        using var answer = await ReadAsync(version, cancellation).ConfigureAwait(false);
        return answer.Verdict == VaultVerdict.Done;
    }

    private async Task AddOlderAsync(
        VaultAnswer answer, int version, List<EnclaveKeyPair> pairs, List<string> passed, CancellationToken cancellation)
    {
        try
        {
            var pair = await PairAsync(answer, version, EnclaveKeyState.Retired, cancellation).ConfigureAwait(false);
            // Written anew with another wrapping: the same key, and the newest writing of it counts.
            if (pairs.Any(p => p.PublicKey == pair.PublicKey))
                pair.Dispose();
            else
                pairs.Add(pair);
        }
        catch (KeyException e) when (e is not KeyUnavailableException)
        {
            // What was in the secret before keys were is no reason not to start; that old payloads stay shut has to be told.
            passed.Add($"version {version} of {reference}: {e.Problem}");
        }
    }

    private Task<VaultAnswer> ReadAsync(int version, CancellationToken cancellation) => SendAsync(
        $"{VaultPath.Escape(reference.Engine)}/data/{VaultPath.Escape(reference.Name)}" + (version > 0 ? $"?version={version}" : ""),
        null, cancellation);

    private async Task<VaultAnswer> SendAsync(string path, ReadOnlyMemory<byte>? json, CancellationToken cancellation)
    {
        Answered = false;
        var answer = await session.SendAsync(path, json, cancellation).ConfigureAwait(false);
        // A page of a proxy is no answer of a vault's.
        Answered = answer.Body is not null && answer.Verdict != VaultVerdict.Refused;
        return answer;
    }

    private int VersionOf(VaultAnswer answer) =>
        answer.Data is { } data && SecretJson.Member(data, "metadata") is { } metadata
            ? SecretJson.Integer(reference.Setting, metadata, "version")
            : throw new KeyException(reference.Setting,
                $"{reference.Engine} answers without versions: it is no KV engine of version 2, which keys need");

    private KeyException Missing(VaultAnswer answer, int asked)
    {
        var version = asked > 0 ? $"version {asked}" : "the latest version";
        var metadata = answer.Data is { } data ? SecretJson.Member(data, "metadata") : null;
        if (metadata is { } known)
            return new KeyException(reference.Setting, SecretJson.Member(known, "destroyed") is { ValueKind: JsonValueKind.True }
                ? $"{version} of {reference} is destroyed; write a new version, or name another by hashicorpVaultSecretVersion"
                : $"{version} of {reference} is deleted; undelete it, or name another by hashicorpVaultSecretVersion");
        return new KeyException(reference.Setting, answer.Errors.Contains("handler", StringComparison.Ordinal)
            ? $"there is no secrets engine at {reference.Engine} ({answer.Errors})"
            : answer.Errors.Contains("namespace", StringComparison.Ordinal)
            ? $"the vault has no namespace {session.Settings.Namespace} ({answer.Errors})"
            : answer.Verdict == VaultVerdict.Missing ? $"No data found at {reference}"
                + (asked > 0 ? $" in version {asked}" : "") + "; is the name right, and the engine KV version 2?"
            : $"the vault refuses to read {reference} ({answer.Status} {answer.Errors})");
    }

    private EnclaveKeyState State(EnclaveKeyState state) => reference.Retired ? EnclaveKeyState.Retired : state;

    private async Task<EnclaveKeyPair> PairAsync(
        VaultAnswer answer, int version, EnclaveKeyState state, CancellationToken cancellation)
    {
        if (answer.Data is not { } envelope || SecretJson.Member(envelope, "data") is not { } data)
            throw new KeyException(reference.Setting, $"No data found at {reference}: version {version} is empty");
        var publicKey = Public(data);
        using var text = Value(data, reference.PrivateId);
        var privateKey = text.Span.StartsWith("vault:v"u8)
            ? await UnwrapAsync(text, cancellation).ConfigureAwait(false)
            : Plain(text);
        try
        {
            return new EnclaveKeyPair(publicKey, privateKey, reference.ToString(), version.ToString(CultureInfo.InvariantCulture), state);
        }
        catch (ArgumentException e)
        {
            privateKey.Dispose();
            throw new KeyException(reference.Setting, $"{reference}, version {version}: {e.Message}", e);
        }
    }

    private PublicKey Public(JsonElement data)
    {
        using var text = Value(data, reference.PublicId);
        return NaClBox.TryParseKey(System.Text.Encoding.ASCII.GetString(SecretText.Trim(text.Span)), out var key)
            ? key
            : throw new KeyException(reference.Setting,
                $"'{reference.PublicId}' in {reference} is not the base64 of a {NaClBox.KeySize}-byte public key");
    }

    private SecretBuffer Value(JsonElement data, string id) =>
        SecretJson.Member(data, id) is { ValueKind: JsonValueKind.String }
            ? SecretJson.TextBytes(reference.Setting, data, id)
            : throw new KeyException(reference.Setting, $"No value with id {id} found at {reference}");

    private SecretBuffer Plain(SecretBuffer text)
    {
        try
        {
            return SecretText.DecodeBase64(text.Span);
        }
        catch (FormatException)
        {
            throw new KeyException(reference.Setting,
                $"'{reference.PrivateId}' in {reference} is neither base64 nor a ciphertext of transit (vault:v...)");
        }
    }

    private async Task<SecretBuffer> UnwrapAsync(SecretBuffer cipherText, CancellationToken cancellation)
    {
        var settings = session.Settings;
        if (settings.TransitKey is not { } key)
            throw new KeyException(reference.Setting, $"'{reference.PrivateId}' in {reference} is wrapped by transit; name its key by "
                + $"{settings.Setting}.transitKey");
        using var trimmed = SecretBuffer.CopyOf(SecretText.Trim(cipherText.Span));
        using var body = SecretWriter.Object(("ciphertext", trimmed));
        using var answer = await SendAsync(
            $"{VaultPath.Escape(settings.TransitPath)}/decrypt/{VaultPath.Escape(key)}", body.Written, cancellation).ConfigureAwait(false);
        if (answer.Verdict == VaultVerdict.Done && answer.Data is { } data)
            return SecretJson.Base64(reference.Setting, data, "plaintext");
        throw new KeyException(reference.Setting, answer.Verdict == VaultVerdict.DoesNotOpen
            ? $"the transit key {key} does not open '{reference.PrivateId}' in {reference}: it was wrapped by another, or is damaged"
            : $"transit does not unwrap '{reference.PrivateId}' in {reference} with {key} ({answer.Status} {answer.Errors})");
    }

    /// <summary>Null when the policy does not allow it: then the values themselves are read at each look.</summary>
    private async Task<Versions?> MetadataAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await SendAsync(
                $"{VaultPath.Escape(reference.Engine)}/metadata/{VaultPath.Escape(reference.Name)}", null, cancellation)
                .ConfigureAwait(false);
            return answer.Verdict == VaultVerdict.Done && answer.Data is { } data ? Versions.Read(data, time.GetUtcNow()) : null;
        }
        catch (KeyException e) when (e is not KeyUnavailableException)
        {
            _metadataForbidden = true;
            return null;
        }
    }

    /// <summary>What metadata say of versions. <paramref name="Mark"/> is another when any of it changes.</summary>
    private sealed record Versions(int Current, HashSet<int> Readable, string Mark)
    {
        public bool IsReadable(int version) => Readable.Contains(version);

        public static Versions? Read(JsonElement data, DateTimeOffset now)
        {
            if (SecretJson.Member(data, "versions") is not { ValueKind: JsonValueKind.Object } versions
                || SecretJson.Member(data, "current_version") is not { ValueKind: JsonValueKind.Number } current
                || !current.TryGetInt32(out var number))
                return null;
            var readable = new HashSet<int>();
            foreach (var version in versions.EnumerateObject())
                if (int.TryParse(version.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                    && IsReadable(version.Value, now))
                    readable.Add(n);
            // With the times: a secret that was deleted and written anew counts from 1 again.
            var times = versions.EnumerateObject().Select(v => $"{v.Name}={SecretJson.Text(v.Value, "created_time")}");
            return new Versions(number, readable, $"{number}:{string.Join(',', readable.Order())}:{string.Join(',', times)}");
        }

        /// <summary>A deletion time may lie ahead (delete_version_after): readable until then.</summary>
        private static bool IsReadable(JsonElement version, DateTimeOffset now) =>
            SecretJson.Member(version, "destroyed") is not { ValueKind: JsonValueKind.True }
            && (!DateTimeOffset.TryParse(SecretJson.Text(version, "deletion_time"), CultureInfo.InvariantCulture, out var deleted)
                || deleted > now);
    }
}
