using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Tessera's <c>NAME.key</c> (unlocked or argon2sbox) and <c>NAME.pub</c>.</summary>
public static class TesseraKeyFile
{
    private const int SaltSize = 16;

    /// <summary>Reads a private key file.</summary>
    /// <param name="password">UTF-8; needed for a locked file.</param>
    /// <exception cref="KeyException">Absent, malformed, or the password does not fit.</exception>
    public static SecretBuffer ReadPrivateKey(string path, ReadOnlySpan<byte> password = default)
    {
        using var text = SecretFile.Read("privateKeyPath", path);
        using var document = SecretJson.Parse(path, text);
        return ReadPrivateKey(path, document.RootElement, password);
    }

    /// <summary>Reads a public key file: base64 on one line.</summary>
    public static PublicKey ReadPublicKey(string path)
    {
        using var text = SecretFile.Read("publicKeyPath", path);
        return NaClBox.TryParseKey(Encoding.ASCII.GetString(SecretText.Trim(text.Span)), out var key)
            ? key
            : throw new KeyException(path, $"is not the base64 of a {NaClBox.KeySize}-byte public key");
    }

    /// <summary>Makes a key pair and writes <c>BASE.key</c> and <c>BASE.pub</c>; existing files are never overwritten.</summary>
    /// <param name="password">UTF-8; empty leaves the key unlocked.</param>
    public static PublicKey Generate(string basePath, ReadOnlySpan<byte> password = default, ArgonOptions? argon = null)
    {
        using var privateKey = new SecretBuffer(NaClBox.KeySize);
        RandomNumberGenerator.Fill(privateKey.Span);
        return Write(basePath, privateKey, password, argon);
    }

    /// <summary>As <see cref="Generate"/>, locked with the first line of a file.</summary>
    /// <exception cref="KeyException">The password file is absent or its first line empty, or a key file is there already.</exception>
    public static PublicKey GenerateLocked(string basePath, string passwordFile, ArgonOptions? argon = null)
    {
        using var passwords = new PasswordFile("password file", passwordFile);
        return passwords.Line(0).IsEmpty
            ? throw new KeyException("password file", $"the first line of '{passwordFile}' is empty; it locks the key")
            : Generate(basePath, passwords.Line(0), argon);
    }

    /// <summary>Writes <c>BASE.key</c> (mode 0600) and <c>BASE.pub</c>; existing files are never overwritten.</summary>
    /// <inheritdoc cref="Generate"/>
    public static PublicKey Write(string basePath, SecretBuffer privateKey, ReadOnlySpan<byte> password = default,
        ArgonOptions? argon = null)
    {
        ArgumentNullException.ThrowIfNull(privateKey);
        var publicKey = NaClBox.PublicKeyOf(privateKey.Span);
        WriteHalves(basePath, privateKey, publicKey.ToString(), password, argon);
        return publicKey;
    }

    /// <param name="publicText">What the public file says.</param>
    internal static void WriteHalves(string basePath, SecretBuffer privateKey, string publicText, ReadOnlySpan<byte> password,
        ArgonOptions? argon)
    {
        var publicPath = basePath + ".pub";
        // Before anything is written: a new private half beside an old public one is a pair that opens nothing.
        if (File.Exists(publicPath))
            throw new KeyException(publicPath, "exists already and is not overwritten; move it away or choose another name");
        if (password.IsEmpty)
            WriteUnlocked(basePath + ".key", privateKey);
        else
            WriteLocked(basePath + ".key", privateKey, password, (argon ?? ArgonOptions.Default).Checked("argon"));
        // Last: after a crash between the two the public half can be computed from the private one, and not the other way round.
        SecretFile.WriteNew(publicPath, Encoding.ASCII.GetBytes(publicText), secret: false);
    }

    /// <summary>Reads the object of a key file, also when it stands inline in a config file.</summary>
    internal static SecretBuffer ReadPrivateKey(string key, JsonElement file, ReadOnlySpan<byte> password)
    {
        var data = SecretJson.Member(file, "data") ?? throw new KeyException(key, "has no 'data'; is it a Tessera key file?");
        return SecretJson.Text(file, "type") switch
        {
            "unlocked" => SecretJson.Base64($"{key}: data", data, "bytes"),
            "argon2sbox" => Unlock(key, data, password),
            var type => throw new KeyException(key, $"type '{type}' is neither unlocked nor argon2sbox"),
        };
    }

    private static SecretBuffer Unlock(string key, JsonElement data, ReadOnlySpan<byte> password)
    {
        if (password.IsEmpty)
            throw new KeyException(key, "is locked and there is no password for it; set keys.passwordFile, one line for each key");
        var options = ReadOptions($"{key}: data.aopts", data);
        using var salt = SecretJson.Base64($"{key}: data", data, "asalt");
        using var nonce = SecretJson.Base64($"{key}: data", data, "snonce");
        using var box = SecretJson.Base64($"{key}: data", data, "sbox");
        // Argon2's least (RFC 9106, 3.1).
        if (salt.Length < 8)
            throw new KeyException($"{key}: data.asalt", "has fewer than 8 bytes");
        if (nonce.Length != NaClBox.NonceSize || box.Length != NaClBox.KeySize + NaClBox.TagSize)
            throw new KeyException(key, $"snonce must have {NaClBox.NonceSize} bytes and sbox {NaClBox.KeySize + NaClBox.TagSize}");

        using var derived = Stretch(key, options, password, salt.Span);
        var privateKey = new SecretBuffer(NaClBox.KeySize);
        if (NaClBox.TryOpen(box.Span, nonce.Span, derived.Span, privateKey.Span))
            return privateKey;
        privateKey.Dispose();
        // Poly1305 cannot tell a wrong password from a damaged file.
        throw new KeyException(key, "the password does not open it");
    }

    private static SecretBuffer Stretch(string key, ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        try
        {
            return Argon2.Derive(options, password, salt);
        }
        catch (InsufficientMemoryException e)
        {
            throw new KeyException(key, e.Message, e);
        }
    }

    private static ArgonOptions ReadOptions(string key, JsonElement data)
    {
        var aopts = SecretJson.Member(data, "aopts") ?? throw new KeyException(key, "is missing");
        var variant = SecretJson.Text(aopts, "variant") ?? SecretJson.Text(aopts, "algorithm");
        return new ArgonOptions(
            ArgonOptions.ParseVariant($"{key}.variant", variant),
            SecretJson.Integer(key, aopts, "memory"),
            SecretJson.Integer(key, aopts, "iterations"),
            SecretJson.Integer(key, aopts, "parallelism")).Checked(key);
    }

    private static void WriteUnlocked(string path, SecretBuffer privateKey)
    {
        using var encoded = SecretText.EncodeBase64(privateKey.Span);
        var head = """{"type":"unlocked","data":{"bytes":" """u8.TrimEnd((byte)' ');
        var tail = "\"}}"u8;
        using var text = new SecretBuffer(head.Length + encoded.Length + tail.Length);
        head.CopyTo(text.Span);
        encoded.Span.CopyTo(text.Span[head.Length..]);
        tail.CopyTo(text.Span[(head.Length + encoded.Length)..]);
        SecretFile.WriteNew(path, text.Span, secret: true);
    }

    private static void WriteLocked(string path, SecretBuffer privateKey, ReadOnlySpan<byte> password, ArgonOptions options)
    {
        // Both anew for each file, so that one password never gives two files the same key (RFC 9106, 3.1).
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        var nonce = RandomNumberGenerator.GetBytes(NaClBox.NonceSize);
        using var derived = Stretch(path, options, password, salt);
        var box = new byte[NaClBox.KeySize + NaClBox.TagSize];
        NaClBox.Seal(privateKey.Span, nonce, derived.Span, box);
        var text = $$$"""
            {"type":"argon2sbox","data":{
              "aopts":{"variant":"{{{options.VariantName}}}","memory":{{{options.Memory}}},"iterations":{{{options.Iterations}}},"parallelism":{{{options.Parallelism}}}},
              "snonce":"{{{Convert.ToBase64String(nonce)}}}",
              "asalt":"{{{Convert.ToBase64String(salt)}}}",
              "sbox":"{{{Convert.ToBase64String(box)}}}"}}
            """;
        SecretFile.WriteNew(path, Encoding.ASCII.GetBytes(text), secret: true);
    }
}
