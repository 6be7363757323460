using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// The enclave's identity: <c>BASE.key</c> in the form of Tessera's key files, unlocked or locked, and <c>BASE.pub</c>. The configuration
/// names them in <c>keys.identity</c> (privateKeyPath, publicKeyPath, passwordFile), a member of ours.
/// </summary>
public static class IdentityFile
{
    private const string Setting = "keys.identity";

    /// <summary>Makes an identity; existing files are never overwritten.</summary>
    /// <param name="passwordFile">Its first line locks the key; null leaves it unlocked.</param>
    /// <returns>The public key in base64.</returns>
    /// <exception cref="KeyException">A file is there already or cannot be written, or the password cannot be had.</exception>
    public static string Generate(string basePath, string? passwordFile)
    {
        using var passwords = passwordFile is null ? null : new PasswordFile("password file", passwordFile);
        if (passwords is not null && passwords.Line(0).IsEmpty)
            throw new KeyException("password file", $"the first line of '{passwordFile}' is empty; it locks the key");
        using var seed = new SecretBuffer(IdentityKey.SeedSize);
        RandomNumberGenerator.Fill(seed.Span);
        using var identity = new IdentityKey(seed);
        var text = Convert.ToBase64String(identity.PublicKey);
        TesseraKeyFile.WriteHalves(basePath, seed, text, passwords is null ? default : passwords.Line(0), argon: null);
        return text;
    }

    /// <summary>The identity that a configuration names; null where it names none: none is ever made here.</summary>
    /// <exception cref="KeyException">It cannot be read, or its halves do not go together.</exception>
    public static IdentityKey? Load(string configFile)
    {
        using var text = SecretFile.Read("-configfile", configFile);
        using var document = SecretJson.Parse(configFile, text);
        if (Entry(document.RootElement) is not { } entry) return null;
        var directory = Path.GetDirectoryName(Path.GetFullPath(configFile))!;
        return Read(Named(entry, directory, "privateKeyPath"), Named(entry, directory, "publicKeyPath"),
            SecretJson.Text(entry, "passwordFile") is { } file ? Path.Combine(directory, file) : null);
    }

    /// <summary>The files with secrets that it names, relative paths from the configuration file's directory.</summary>
    internal static IEnumerable<string?> SecretFiles(JsonElement root, string directory) => Entry(root) is not { } entry ? []
        : new[] { SecretJson.Text(entry, "privateKeyPath"), SecretJson.Text(entry, "passwordFile") }
            .Select(path => path is null ? null : Path.Combine(directory, path));

    private static JsonElement? Entry(JsonElement root) =>
        SecretJson.Member(root, "keys") is { } keys ? SecretJson.Member(keys, "identity") : null;

    private static string Named(JsonElement entry, string directory, string member) =>
        SecretJson.Text(entry, member) is { Length: > 0 } path ? Path.Combine(directory, path)
        : throw new KeyException($"{Setting}.{member}", "is required; 'qmesh keys identity FILE' makes FILE.key and FILE.pub");

    private static IdentityKey Read(string privatePath, string publicPath, string? passwordFile)
    {
        using var passwords = passwordFile is null ? null : new PasswordFile($"{Setting}.passwordFile", passwordFile);
        using var publicText = SecretFile.Read($"{Setting}.publicKeyPath", publicPath);
        using var seed = TesseraKeyFile.ReadPrivateKey(privatePath, passwords is null ? default : passwords.Line(0));
        if (seed.Length != IdentityKey.SeedSize)
            throw new KeyException(Setting, $"'{privatePath}' holds {seed.Length} bytes, not {IdentityKey.SeedSize}");
        var identity = new IdentityKey(seed);
        var written = Encoding.ASCII.GetString(SecretText.Trim(publicText.Span));
        if (written == Convert.ToBase64String(identity.PublicKey)) return identity;
        identity.Dispose();
        // A key that seals has another public half: it is not taken for an identity.
        throw new KeyException(Setting, $"'{publicPath}' is not the public key of '{privatePath}': are they an identity's, and a pair?");
    }
}
