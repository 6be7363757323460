using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>Writes a new pair as the next version of a key's secret, wrapped by transit where its key is named.</summary>
internal static class VaultKeyWriter
{
    private const int KeptByDefault = 10;

    /// <summary>The public key of the version that seals, which is the latest unless one is pinned; null where it is not there.</summary>
    /// <exception cref="KeyException">The vault does not give it.</exception>
    public static async Task<(PublicKey? Key, int Version)> LatestAsync(
        VaultSession session, VaultKeyReference reference, CancellationToken cancellation)
    {
        var path = reference.Version == 0 ? DataPath(reference)
            : string.Create(CultureInfo.InvariantCulture, $"{DataPath(reference)}?version={reference.Version}");
        using var answer = await session.SendAsync(path, null, cancellation).ConfigureAwait(false);
        var metadata = answer.Data is { } envelope ? SecretJson.Member(envelope, "metadata") : null;
        if (answer.Verdict == VaultVerdict.Missing && metadata is null)
            return (null, 0);
        if (metadata is not { } known || answer.Verdict is not (VaultVerdict.Done or VaultVerdict.Missing))
            throw new KeyException(reference.Setting,
                $"{reference} cannot be read as a secret of KV version 2 ({answer.Status} {answer.Errors})");
        if (SecretJson.Member(answer.Data!.Value, "data") is { ValueKind: JsonValueKind.Object } data)
            foreach (var member in data.EnumerateObject())
                if (member.Name != reference.PublicId && member.Name != reference.PrivateId)
                    throw new KeyException(reference.Setting, $"{reference} has a member '{member.Name}' beside the pair, which a new "
                        + "version would lose; write it by hand, or give the pair a secret of its own");
        var pair = SecretJson.Member(answer.Data!.Value, "data");
        var text = pair is { } members ? SecretJson.Text(members, reference.PublicId)?.Trim() : null;
        return (NaClBox.TryParseKey(text, out var key) ? key : null, SecretJson.Integer(reference.Setting, known, "version"));
    }

    /// <summary>
    /// Refuses a write with which the engine would prune versions that can still be read. It keeps the larger of the secret's and the
    /// engine's max_versions, or 10 where both are 0 (vault-plugin-secrets-kv, KeyMetadata.AddVersion).
    /// </summary>
    /// <param name="version">The latest version now; 0 where there is none.</param>
    /// <exception cref="KeyException">It would, or the vault does not answer.</exception>
    public static async Task RefuseLossAsync(
        VaultSession session, VaultKeyReference reference, int version, CancellationToken cancellation)
    {
        using var metadata = await ReadableAsync(session, MetadataPath(reference), cancellation).ConfigureAwait(false);
        using var config = await ReadableAsync(session, $"{VaultPath.Escape(reference.Engine)}/config", cancellation)
            .ConfigureAwait(false);
        var kept = Math.Max(MaxVersions(metadata), MaxVersions(config));
        kept = kept > 0 ? kept : KeptByDefault;
        var lost = new List<int>();
        for (var candidate = version + 1 - kept; candidate > 0; candidate--)
        {
            using var answer = await session.SendAsync(
                string.Create(CultureInfo.InvariantCulture, $"{DataPath(reference)}?version={candidate}"), null, cancellation)
                .ConfigureAwait(false);
            if (answer.Verdict == VaultVerdict.Done)
                lost.Add(candidate);
            // Without an envelope it is pruned already, and so are those before it.
            else if (answer.Data is null)
                break;
        }

        if (lost.Count > 0)
            throw new KeyException(reference.Setting, $"with version {version + 1} the vault would prune {Numbers(lost)} of {reference}, "
                + $"for it keeps {kept}: payloads that were sealed for that key alone could not be opened any more. Keep more with 'vault kv "
                + $"metadata put -max-versions={version + 10} {reference}' (without the right to read the "
                + "secret's metadata and the engine's config 10 are taken for granted), or add --accept-loss");
    }

    /// <summary>Makes a pair and writes it if nobody has written a version after <paramref name="version"/>.</summary>
    /// <exception cref="KeyException">Somebody has, or the vault refuses.</exception>
    public static async Task<PublicKey> WriteNextAsync(
        VaultSession session, VaultKeyReference reference, int version, CancellationToken cancellation)
    {
        using var privateKey = new SecretBuffer(NaClBox.KeySize);
        RandomNumberGenerator.Fill(privateKey.Span);
        var publicKey = NaClBox.PublicKeyOf(privateKey.Span);
        using var encoded = SecretText.EncodeBase64(privateKey.Span);
        using var stored = session.Settings.TransitKey is { } wrapping
            ? await WrapAsync(session, reference, wrapping, encoded, cancellation).ConfigureAwait(false)
            : SecretBuffer.CopyOf(encoded.Span);
        using var body = Body(reference, publicKey, stored, version);
        using var answer = await WriteAsync(session, reference, body.Written, cancellation).ConfigureAwait(false);
        if (answer.Verdict == VaultVerdict.Done && answer.Data is not null)
            return publicKey;
        if (!answer.Errors.Contains("check-and-set", StringComparison.Ordinal))
            throw new KeyException(reference.Setting,
                $"{reference} could not be written ({answer.Status} {answer.Errors}); is the engine KV version 2?");
        // A proxy, or a second address, may have sent it twice: then the version that is in our way is ours.
        var (latest, _) = await LatestAsync(session, reference, cancellation).ConfigureAwait(false);
        return latest == publicKey ? publicKey
            : throw new KeyException(reference.Setting,
                $"somebody else has written a version of {reference} meanwhile; look at it, then try again");
    }

    /// <summary>Sent once to each address: what was taken and not answered would be in its own way.</summary>
    private static async Task<VaultAnswer> WriteAsync(
        VaultSession session, VaultKeyReference reference, ReadOnlyMemory<byte> json, CancellationToken cancellation)
    {
        try
        {
            return await session.SendAsync(DataPath(reference), json, cancellation, repeatable: false).ConfigureAwait(false);
        }
        catch (KeyUnavailableException e)
        {
            throw new KeyUnavailableException(e.Key, $"{e.Problem}; whether {reference} has the new version is not known: look at it "
                + "before you try again", e);
        }
    }

    private static string Numbers(List<int> versions) => versions.Count == 1
        ? string.Create(CultureInfo.InvariantCulture, $"version {versions[0]}")
        : "versions " + string.Join(", ", versions.Order());

    /// <summary>Null when the policy does not allow it.</summary>
    private static async Task<VaultAnswer?> ReadableAsync(VaultSession session, string path, CancellationToken cancellation)
    {
        try
        {
            return await session.SendAsync(path, null, cancellation).ConfigureAwait(false);
        }
        catch (KeyException e) when (e is not KeyUnavailableException)
        {
            return null;
        }
    }

    /// <summary>0: not set, or not told.</summary>
    private static int MaxVersions(VaultAnswer? answer) =>
        answer is { Verdict: VaultVerdict.Done, Data: { } data }
        && SecretJson.Member(data, "max_versions") is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number)
            ? number : 0;

    private static string MetadataPath(VaultKeyReference reference) =>
        $"{VaultPath.Escape(reference.Engine)}/metadata/{VaultPath.Escape(reference.Name)}";

    private static async Task<SecretBuffer> WrapAsync(
        VaultSession session, VaultKeyReference reference, string key, SecretBuffer plain, CancellationToken cancellation)
    {
        using var body = SecretWriter.Object(("plaintext", plain));
        using var answer = await session.SendAsync(
            $"{VaultPath.Escape(session.Settings.TransitPath)}/encrypt/{VaultPath.Escape(key)}", body.Written, cancellation)
            .ConfigureAwait(false);
        return answer.Verdict == VaultVerdict.Done && answer.Data is { } data
            ? SecretJson.TextBytes(reference.Setting, data, "ciphertext")
            : throw new KeyException(reference.Setting, $"transit does not wrap with {key} ({answer.Status} {answer.Errors})");
    }

    private static SecretWriter Body(VaultKeyReference reference, PublicKey publicKey, SecretBuffer privateKey, int version)
    {
        var body = new SecretWriter(4096 + (privateKey.Length * 6));
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteStartObject("data");
        json.WriteString(reference.PublicId, Encoding.ASCII.GetBytes(publicKey.ToString()));
        json.WriteString(reference.PrivateId, privateKey.Span);
        json.WriteEndObject();
        json.WriteStartObject("options");
        json.WriteNumber("cas", version);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return body;
    }

    private static string DataPath(VaultKeyReference reference) => string.Create(
        CultureInfo.InvariantCulture, $"{VaultPath.Escape(reference.Engine)}/data/{VaultPath.Escape(reference.Name)}");
}
