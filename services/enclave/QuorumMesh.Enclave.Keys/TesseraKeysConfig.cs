using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;

namespace QuorumMesh.Enclave.Keys;

/// <summary>An entry of <c>keyData</c>: a pair that stands in the configuration or in files, or the name of one in a vault.</summary>
internal sealed record KeyDatum(EnclaveKeyPair? Pair, VaultKeyReference? Vault);

/// <summary>The <c>keys</c> section of Tessera's config file: direct, inline and file keys, and those that a vault has.</summary>
internal static class TesseraKeysConfig
{
    private const int MaxKeys = 1000;

    /// <summary>All entries in their order; the caller owns the pairs.</summary>
    /// <param name="directory">Relative paths are taken from here.</param>
    public static IReadOnlyList<KeyDatum> Read(JsonElement root, string directory)
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
        var found = new List<KeyDatum>();
        try
        {
            for (var i = 0; i < count; i++)
                found.Add(ReadDatum($"keys.keyData[{i}]", data[i], directory, passwords is null ? default : passwords.Line(i)));
            return found;
        }
        catch
        {
            // No finaliser frees locked memory: the keys read so far would stay in it until the process ends.
            found.ForEach(d => d.Pair?.Dispose());
            throw;
        }
    }

    /// <summary>
    /// A member of ours, <c>keys.revoked</c>: entries with <c>publicKey</c>, and <c>successor</c> where there is one. Empty where it is
    /// absent.
    /// </summary>
    /// <exception cref="KeyException">Of another form, or a key twice.</exception>
    public static IReadOnlyList<RevokedKey> ReadRevoked(JsonElement root)
    {
        if (SecretJson.Member(root, "keys") is not { } keys || SecretJson.Member(keys, "revoked") is not { } list)
            return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxKeys)
            throw new KeyException("keys.revoked", $"is an array of at most {MaxKeys} entries");
        var revoked = new List<RevokedKey>();
        foreach (var entry in list.EnumerateArray())
        {
            var key = $"keys.revoked[{revoked.Count}]";
            var named = Inline(key, entry);
            if (revoked.Exists(r => r.Key == named))
                throw new KeyException($"{key}.publicKey", $"names {named} a second time");
            revoked.Add(new RevokedKey(named, SuccessorOf(key, entry)));
        }

        return revoked;
    }

    private static PublicKey? SuccessorOf(string key, JsonElement entry) => SecretJson.Text(entry, "successor") switch
    {
        null => null,
        { } text when NaClBox.TryParseKey(text, out var successor) => successor,
        _ => throw new KeyException($"{key}.successor", $"the base64 of a {NaClBox.KeySize}-byte public key is required"),
    };

    private static KeyDatum ReadDatum(string key, JsonElement entry, string directory, ReadOnlySpan<byte> password) =>
        SecretJson.Member(entry, "privateKey") is null && SecretJson.Member(entry, "config") is null
            && VaultReference(key, entry) is { } reference
            ? new KeyDatum(null, reference)
            : new KeyDatum(ReadPair(key, entry, directory, password), null);

    /// <summary>Null for an entry that is not in HashiCorp Vault.</summary>
    /// <exception cref="KeyException">It is, and lacks a member.</exception>
    public static VaultKeyReference? VaultReference(string key, JsonElement entry)
    {
        string[] names = ["hashicorpVaultSecretEngineName", "hashicorpVaultSecretName", "hashicorpVaultPublicKeyId",
            "hashicorpVaultPrivateKeyId"];
        var values = names.Select(name => SecretJson.Text(entry, name)).ToArray();
        if (values.All(v => v is null))
            return null;
        for (var i = 0; i < names.Length; i++)
            if (string.IsNullOrEmpty(values[i]))
                throw new KeyException($"{key}.{names[i]}", "is required: a HashiCorp Vault key needs " + string.Join(", ", names));
        var (engine, name) = (values[0]!.Trim('/'), values[1]!.Trim('/'));
        if (!VaultPath.IsClean(engine) || !VaultPath.IsClean(name))
            throw new KeyException(key, $"'{engine}/{name}' is no path in a vault");
        return new VaultKeyReference(key, engine, name, values[2]!, values[3]!, Version(key, entry), IsRetired(key, entry));
    }

    private static int Version(string key, JsonElement entry) => SecretJson.Member(entry, "hashicorpVaultSecretVersion") switch
    {
        null => 0,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var number) && number >= 0 => number,
        { ValueKind: JsonValueKind.String } value when int.TryParse(value.GetString(), out var number) && number >= 0 => number,
        _ => throw new KeyException($"{key}.hashicorpVaultSecretVersion",
            "The value provided must be an integer equal to 0 or greater; 0 is the latest"),
    };

    /// <summary>A member of ours: the key opens old payloads and seals nothing new.</summary>
    private static bool IsRetired(string key, JsonElement entry) => SecretJson.Member(entry, "retired") switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => throw new KeyException($"{key}.retired", "is true or false"),
    };

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
        var state = IsRetired(key, entry) ? EnclaveKeyState.Retired : EnclaveKeyState.Active;
        // A member of ours too: a retired key with the name of an active one has that as its successor. Without a name it has none: files
        // of one name in two directories are two parties' keys.
        var name = SecretJson.Text(entry, "name");
        var (publicKey, id, privateKey) = ReadHalves(key, entry, directory, password);
        try
        {
            return new EnclaveKeyPair(publicKey, privateKey, name ?? id, "1", state);
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
            if (member.Name.StartsWith("azureVault", StringComparison.Ordinal) || member.Name.StartsWith("aws", StringComparison.Ordinal))
                throw new KeyException($"{key}.{member.Name}", "keys in Azure Key Vault and AWS Secrets Manager are not read by this "
                    + "version; put the pair into HashiCorp Vault or OpenBao, or into a locked key file");

        var privatePath = SecretJson.Text(entry, "privateKeyPath");
        var publicPath = SecretJson.Text(entry, "publicKeyPath");
        if (privatePath is null || publicPath is null)
            throw new KeyException(key, "needs privateKeyPath and publicKeyPath, or privateKey and publicKey, or config and publicKey");
        privatePath = Path.Combine(directory, privatePath);
        return (TesseraKeyFile.ReadPublicKey(Path.Combine(directory, publicPath)),
            Path.GetFullPath(privatePath), TesseraKeyFile.ReadPrivateKey(privatePath, password));
    }

    private static PublicKey Inline(string key, JsonElement entry) =>
        NaClBox.TryParseKey(SecretJson.Text(entry, "publicKey"), out var publicKey)
            ? publicKey
            : throw new KeyException($"{key}.publicKey", $"the base64 of a {NaClBox.KeySize}-byte public key is required");
}
