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
    /// <summary>The public key of the latest version; null where the secret is not there yet.</summary>
    /// <exception cref="KeyException">The vault does not give it.</exception>
    public static async Task<(PublicKey? Key, int Version)> LatestAsync(
        VaultSession session, VaultKeyReference reference, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(DataPath(reference), null, cancellation).ConfigureAwait(false);
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
        using var answer = await session.SendAsync(DataPath(reference), body.Written, cancellation).ConfigureAwait(false);
        if (answer.Verdict == VaultVerdict.Done && answer.Data is not null)
            return publicKey;
        throw new KeyException(reference.Setting, answer.Errors.Contains("check-and-set", StringComparison.Ordinal)
            ? $"somebody else has written a version of {reference} meanwhile; look at it, then try again"
            : $"{reference} could not be written ({answer.Status} {answer.Errors}); is the engine KV version 2?");
    }

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
