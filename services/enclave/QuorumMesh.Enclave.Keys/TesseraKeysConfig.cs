using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>The <c>keys</c> section of Tessera's config file: direct, inline and file keys.</summary>
internal static class TesseraKeysConfig
{
    private const int MaxKeys = 1000;

    /// <param name="directory">Relative paths are taken from here.</param>
    public static KeyRing Read(JsonElement root, string directory)
    {
        var keys = SecretJson.Member(root, "keys") ?? throw new KeyException("keys", "is required: without it this enclave has no key");
        if (SecretJson.Member(keys, "passwords") is { } inline && !IsEmpty(inline))
            throw new KeyException("keys.passwords", "is refused: passwords in the config file are not safe; use keys.passwordFile");
        if (SecretJson.Member(keys, "keyData") is not { ValueKind: JsonValueKind.Array } data || data.GetArrayLength() == 0)
            throw new KeyException("keys.keyData", "needs at least one key");
        var count = data.GetArrayLength();
        if (count > MaxKeys)
            throw new KeyException("keys.keyData", $"has {count} keys; at most {MaxKeys} are read");

        using var passwords = Passwords(keys, directory, count);
        var pairs = new List<EnclaveKeyPair>();
        try
        {
            for (var i = 0; i < count; i++)
                pairs.Add(ReadPair($"keys.keyData[{i}]", data[i], directory, passwords is null ? default : passwords.Line(i)));
            return new KeyRing(pairs);
        }
        catch (Exception e)
        {
            // No finaliser frees locked memory: the keys read so far would stay in it until the process ends.
            pairs.ForEach(p => p.Dispose());
            if (e is ArgumentException)
                throw new KeyException("keys.keyData", e.Message, e);
            throw;
        }
    }

    /// <summary>Tessera's own samples write <c>[]</c>, or an empty text for each unlocked key.</summary>
    private static bool IsEmpty(JsonElement passwords) => passwords.ValueKind == JsonValueKind.Array
        && passwords.EnumerateArray()
        .All(p => p.ValueKind == JsonValueKind.Null || (p.ValueKind == JsonValueKind.String && p.ValueEquals(string.Empty)));

    private static PasswordFile? Passwords(JsonElement keys, string directory, int count)
    {
        if (SecretJson.Text(keys, "passwordFile") is not { } path)
            return null;
        var file = new PasswordFile("keys.passwordFile", Path.Combine(directory, path));
        // Tessera takes a file with too many lines; a line too many may mean that all behind it are for other keys.
        if (file.Count == count || (file.Count < count && file.Count == 0))
            return file;
        file.Dispose();
        throw new KeyException("keys.passwordFile",
            $"has {file.Count} lines for {count} keys; one line for each key is needed, empty for an unlocked one");
    }

    private static EnclaveKeyPair ReadPair(string key, JsonElement entry, string directory, ReadOnlySpan<byte> password)
    {
        var (publicKey, id, privateKey) = ReadHalves(key, entry, directory, password);
        try
        {
            return new EnclaveKeyPair(publicKey, privateKey, id, "1", EnclaveKeyState.Active);
        }
        catch (ArgumentException e)
        {
            privateKey.Dispose();
            throw new KeyException(key, e.Message, e);
        }
    }

    private static (PublicKey PublicKey, string Id, SecretBuffer PrivateKey) ReadHalves(
        string key, JsonElement entry, string directory, ReadOnlySpan<byte> password)
    {
        if (SecretJson.Member(entry, "privateKey") is not null)
            return (Inline(key, entry), key, SecretJson.Base64(key, entry, "privateKey"));
        if (SecretJson.Member(entry, "config") is { } config)
            return (Inline(key, entry), key, TesseraKeyFile.ReadPrivateKey($"{key}.config", config, password));
        foreach (var member in entry.ValueKind == JsonValueKind.Object ? entry.EnumerateObject() : default)
            if (member.Name.Contains("Vault", StringComparison.Ordinal) || member.Name.StartsWith("aws", StringComparison.Ordinal))
                throw new KeyException($"{key}.{member.Name}", "keys in a vault are not read by this version; use a key file");

        var privatePath = SecretJson.Text(entry, "privateKeyPath");
        var publicPath = SecretJson.Text(entry, "publicKeyPath");
        if (privatePath is null || publicPath is null)
            throw new KeyException(key, "needs privateKeyPath and publicKeyPath, or privateKey and publicKey, or config and publicKey");
        privatePath = Path.Combine(directory, privatePath);
        return (TesseraKeyFile.ReadPublicKey(Path.Combine(directory, publicPath)),
            Path.GetFileName(privatePath), TesseraKeyFile.ReadPrivateKey(privatePath, password));
    }

    private static PublicKey Inline(string key, JsonElement entry) =>
        NaClBox.TryParseKey(SecretJson.Text(entry, "publicKey"), out var publicKey)
            ? publicKey
            : throw new KeyException($"{key}.publicKey", $"the base64 of a {NaClBox.KeySize}-byte public key is required");
}
