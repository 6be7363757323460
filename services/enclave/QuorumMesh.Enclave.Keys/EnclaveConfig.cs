using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>What the enclave takes from Tessera's config file beside its keys.</summary>
/// <param name="Listen">The ENCLAVE server's bindingAddress or serverAddress; null when there is none.</param>
public sealed record EnclaveConfig(string? Listen, IReadOnlyList<PublicKey> AlwaysSendTo)
{
    private const int MaxAlwaysSendTo = 1000;

    /// <exception cref="KeyException">Absent, malformed, or asks for what is not offered.</exception>
    public static EnclaveConfig Read(string path)
    {
        // The same file may hold private keys, so it never becomes a string as a whole.
        using var text = SecretFile.Read("-configfile", path);
        using var document = SecretJson.Parse(path, text);
        var root = document.RootElement;
        RefuseOtherEncryptors(root);
        return new EnclaveConfig(ListenAddress(root), ReadAlwaysSendTo(root));
    }

    /// <summary>The files with secrets that the configuration names; itself too when it holds keys.</summary>
    /// <exception cref="KeyException">Absent or malformed.</exception>
    public static IReadOnlyList<string> SecretFiles(string path)
    {
        using var text = SecretFile.Read("-configfile", path);
        using var document = SecretJson.Parse(path, text);
        if (SecretJson.Member(document.RootElement, "keys") is not { } keys)
            return [];
        var files = new List<string?> { SecretJson.Text(keys, "passwordFile") };
        foreach (var key in SecretJson.Member(keys, "keyData") is { ValueKind: JsonValueKind.Array } data ? data.EnumerateArray() : default)
            // A key without a path stands in the configuration, which is then as secret as a key file; or it is in a vault.
            files.Add(SecretJson.Text(key, "privateKeyPath")
                ?? (SecretJson.Text(key, "hashicorpVaultSecretName") is null ? path : null));
        files.AddRange(IdentityFile.SecretFiles(document.RootElement, Path.GetDirectoryName(Path.GetFullPath(path))!));
        return [.. files.OfType<string>().Distinct()];
    }

    private static void RefuseOtherEncryptors(JsonElement root)
    {
        // Nothing on the wire tells which encryptor sealed a payload (tessera 4.2): a wrong one would show at the recipients alone.
        if (SecretJson.Member(root, "encryptor") is { } encryptor
            && SecretJson.Text(encryptor, "type") is { } type
            && !type.Equals("NACL", StringComparison.OrdinalIgnoreCase))
            throw new KeyException("encryptor.type", $"'{type}' is not offered by this version; only NACL is");
    }

    private static string? ListenAddress(JsonElement root)
    {
        if (SecretJson.Member(root, "serverConfigs") is not { ValueKind: JsonValueKind.Array } servers)
            return null;
        var i = 0;
        foreach (var server in servers.EnumerateArray())
        {
            if (string.Equals(SecretJson.Text(server, "app"), "ENCLAVE", StringComparison.OrdinalIgnoreCase))
            {
                RefuseTls($"serverConfigs[{i}].sslConfig.tls", server);
                return SecretJson.Text(server, "bindingAddress") ?? SecretJson.Text(server, "serverAddress");
            }

            i++;
        }

        return null;
    }

    private static void RefuseTls(string key, JsonElement server)
    {
        // Passing over STRICT would let payloads go in plain text where the operator has asked for TLS.
        if (SecretJson.Member(server, "sslConfig") is { } ssl
            && string.Equals(SecretJson.Text(ssl, "tls"), "STRICT", StringComparison.OrdinalIgnoreCase))
            throw new KeyException(key,
                "STRICT is not offered here; set OFF and use a Unix socket or loopback, or --listen https://host:port with --tls-cert");
    }

    private static IReadOnlyList<PublicKey> ReadAlwaysSendTo(JsonElement root)
    {
        if (SecretJson.Member(root, "alwaysSendTo") is not { ValueKind: JsonValueKind.Array } list)
            return [];
        if (list.GetArrayLength() > MaxAlwaysSendTo)
            throw new KeyException("alwaysSendTo", $"has more than {MaxAlwaysSendTo} keys");
        var keys = new List<PublicKey>();
        foreach (var entry in list.EnumerateArray())
            keys.Add(entry.ValueKind == JsonValueKind.String && NaClBox.TryParseKey(entry.GetString(), out var key)
                ? key
                : throw new KeyException($"alwaysSendTo[{keys.Count}]", $"the base64 of a {NaClBox.KeySize}-byte public key is required"));
        return keys;
    }
}
