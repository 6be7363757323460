using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts;

/// <summary>
/// The Web3 secret storage format, version 3: scrypt or PBKDF2-SHA256, AES-128-CTR, a Keccak MAC. Files of version 1 are read
/// too.
/// </summary>
public static class KeystoreV3
{
    private const int KeySize = 32;
    private const int DerivedSize = 32;
    private const int BlockSize = 16;

    /// <summary>1 GiB of scrypt memory; a file that asks for more is refused, as it would stop the node.</summary>
    private const long MaxScryptMemory = 1L << 30;

    private const int MaxPbkdf2Iterations = 10_000_000;

    /// <summary>The private key of 32 bytes; the caller disposes it.</summary>
    /// <exception cref="WrongPasswordException">The MAC does not fit.</exception>
    /// <exception cref="KeystoreFormatException">Not a usable file of version 3 or 1.</exception>
    public static SecretBytes Decrypt(ReadOnlyMemory<byte> json, SecretBytes password)
    {
        ArgumentNullException.ThrowIfNull(password);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Decrypt(document.RootElement, password);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or OverflowException)
        {
            throw new KeystoreFormatException($"the key file is malformed: {e.Message}", e);
        }
    }

    /// <summary>The address that a key file names, or null when it names none or is no key file.</summary>
    public static Address? AddressOf(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("address", out var text)
                && text.ValueKind == JsonValueKind.String
                && Address.TryParse(text.GetString(), out var address)
                ? address
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: bytes that are no UTF-8. One damaged file must not hide the others.
            return null;
        }
    }

    public static byte[] Encrypt(ReadOnlySpan<byte> privateKey, in Address address, SecretBytes password, ScryptParameters cost)
    {
        ArgumentNullException.ThrowIfNull(password);
        ArgumentNullException.ThrowIfNull(cost);
        var salt = RandomNumberGenerator.GetBytes(32);
        var iv = RandomNumberGenerator.GetBytes(BlockSize);
        using var derived = Scrypt(password, salt, cost.N, cost.R, cost.P, DerivedSize);
        var cipher = new byte[privateKey.Length];
        AesCtr(derived.Span[..16], iv, privateKey, cipher);
        return Write(address, salt, iv, cipher, Mac(derived.Span, cipher), cost);
    }

    private static SecretBytes Decrypt(JsonElement root, SecretBytes password)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new KeystoreFormatException("the key file is not a JSON object");
        var isFirst = VersionOf(root) == 1;
        var crypto = root.TryGetProperty("crypto", out var lower) ? lower : root.GetProperty("Crypto");
        var expected = isFirst ? "aes-128-cbc" : "aes-128-ctr";
        var cipherName = crypto.GetProperty("cipher").GetString();
        if (cipherName != expected)
            throw new KeystoreFormatException($"cipher '{cipherName}' is not offered; only {expected} is");

        var cipher = Bytes(crypto, "ciphertext");
        if (!isFirst && cipher.Length is 0 or > KeySize)
            throw new KeystoreFormatException($"the key file holds {cipher.Length} bytes of key; at most {KeySize} are a key");
        if (isFirst && cipher.Length is not (KeySize or KeySize + BlockSize))
            throw new KeystoreFormatException(
                $"the key file holds {cipher.Length} bytes of cipher; a padded key has {KeySize + BlockSize}");
        var iv = Bytes(crypto.GetProperty("cipherparams"), "iv");
        if (iv.Length != BlockSize)
            throw new KeystoreFormatException($"the iv has {iv.Length} bytes, not {BlockSize}");
        using var derived = Derive(crypto, password);
        if (!CryptographicOperations.FixedTimeEquals(Mac(derived.Span, cipher), Bytes(crypto, "mac")))
            throw new WrongPasswordException();
        return isFirst ? KeystoreV1.Open(derived.Span[..16], iv, cipher) : OpenCtr(derived.Span[..16], iv, cipher);
    }

    /// <summary>Version 1 is written as a text; 3 as a number, by some tools as a text.</summary>
    private static int VersionOf(JsonElement root)
    {
        var version = root.GetProperty("version");
        var text = version.ValueKind == JsonValueKind.String ? version.GetString() : version.GetRawText();
        return text switch
        {
            "3" => 3,
            "1" => 1,
            _ => throw new KeystoreFormatException("only key files of versions 3 and 1 are read"),
        };
    }

    private static SecretBytes OpenCtr(ReadOnlySpan<byte> cipherKey, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> cipher)
    {
        // A key with leading zero bytes may be written shorter.
        var key = new SecretBytes(KeySize);
        AesCtr(cipherKey, iv, cipher, key.Span[(KeySize - cipher.Length)..]);
        return key;
    }

    private static SecretBytes Derive(JsonElement crypto, SecretBytes password)
    {
        var kdf = crypto.GetProperty("kdf").GetString();
        var parameters = crypto.GetProperty("kdfparams");
        var salt = Bytes(parameters, "salt");
        var length = parameters.GetProperty("dklen").GetInt32();
        if (length is < DerivedSize or > 1024)
            throw new KeystoreFormatException($"dklen {length} is outside {DerivedSize}..1024");
        return kdf switch
        {
            "scrypt" => Scrypt(password, salt, Cost(parameters, "n"), Cost(parameters, "r"), Cost(parameters, "p"), length),
            "pbkdf2" => Pbkdf2(password, salt, parameters, length),
            _ => throw new KeystoreFormatException($"kdf '{kdf}' is not offered; scrypt and pbkdf2 are"),
        };
    }

    private static int Cost(JsonElement parameters, string name) =>
        parameters.GetProperty(name).GetInt32() is var value and > 0 ? value
            : throw new KeystoreFormatException($"scrypt's {name} must be positive");

    private static SecretBytes Scrypt(SecretBytes password, byte[] salt, int n, int r, int p, int length)
    {
        if (n < 2 || (n & (n - 1)) != 0)
            throw new KeystoreFormatException($"scrypt's n {n} is not a power of two");
        if (128L * n * r > MaxScryptMemory || 128L * r * p > MaxScryptMemory)
            throw new KeystoreFormatException($"scrypt's n {n}, r {r}, p {p} need more than {MaxScryptMemory >> 20} MiB");
        var derived = new SecretBytes(length);
        Accounts.Scrypt.Derive(password.Span, salt, n, r, p, derived.Span);
        return derived;
    }

    private static SecretBytes Pbkdf2(SecretBytes password, byte[] salt, JsonElement parameters, int length)
    {
        var function = parameters.GetProperty("prf").GetString();
        if (function != "hmac-sha256")
            throw new KeystoreFormatException($"prf '{function}' is not offered; only hmac-sha256 is");
        var iterations = parameters.GetProperty("c").GetInt32();
        if (iterations is < 1 or > MaxPbkdf2Iterations)
            throw new KeystoreFormatException($"pbkdf2's c {iterations} is outside 1..{MaxPbkdf2Iterations}");
        var derived = new SecretBytes(length);
        Rfc2898DeriveBytes.Pbkdf2(password.Span, salt, derived.Span, iterations, HashAlgorithmName.SHA256);
        return derived;
    }

    private static byte[] Mac(ReadOnlySpan<byte> derived, ReadOnlySpan<byte> cipher)
    {
        using var input = new SecretBytes(16 + cipher.Length);
        derived.Slice(16, 16).CopyTo(input.Span);
        cipher.CopyTo(input.Span[16..]);
        return Keccak.Hash(input.Span).ToArray();
    }

    private static void AesCtr(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> input, Span<byte> output)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        Span<byte> counter = stackalloc byte[BlockSize];
        Span<byte> stream = stackalloc byte[BlockSize];
        iv.CopyTo(counter);
        for (var offset = 0; offset < input.Length; offset += BlockSize)
        {
            aes.EncryptEcb(counter, stream, PaddingMode.None);
            for (var i = offset; i < Math.Min(offset + BlockSize, input.Length); i++)
                output[i] = (byte)(input[i] ^ stream[i - offset]);
            for (var i = BlockSize - 1; i >= 0 && ++counter[i] == 0; i--)
            {
            }
        }

        stream.Clear();
    }

    private static byte[] Bytes(JsonElement element, string name) =>
        Hex.FromHex(element.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null"));

    private static byte[] Write(in Address address, byte[] salt, byte[] iv, byte[] cipher, byte[] mac, ScryptParameters cost)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("address", Hex.ToHex(address.ToArray(), prefix: false));
            json.WriteStartObject("crypto");
            json.WriteString("cipher", "aes-128-ctr");
            json.WriteString("ciphertext", Hex.ToHex(cipher, prefix: false));
            json.WriteStartObject("cipherparams");
            json.WriteString("iv", Hex.ToHex(iv, prefix: false));
            json.WriteEndObject();
            json.WriteString("kdf", "scrypt");
            json.WriteStartObject("kdfparams");
            json.WriteNumber("dklen", DerivedSize);
            json.WriteNumber("n", cost.N);
            json.WriteNumber("p", cost.P);
            json.WriteNumber("r", cost.R);
            json.WriteString("salt", Hex.ToHex(salt, prefix: false));
            json.WriteEndObject();
            json.WriteString("mac", Hex.ToHex(mac, prefix: false));
            json.WriteEndObject();
            json.WriteString("id", Guid.NewGuid().ToString("D", CultureInfo.InvariantCulture));
            json.WriteNumber("version", 3);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
