using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network;

/// <summary>The node key as geth keeps it: a file of 64 hex digits (<c>geth/nodekey</c> in the data directory, or <c>--nodekey</c>).</summary>
public static class NodeKeyFile
{
    private const int Digits = 64;
    private const int MaxLength = 256;

    /// <exception cref="IOException">Missing, unreadable, or not a node key.</exception>
    public static NodeKey Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"The node key file {path} does not exist: create it (64 hex digits) or leave the setting out.", path);
        var text = GC.AllocateArray<byte>(MaxLength, pinned: true);
        Span<byte> key = stackalloc byte[32];
        try
        {
            using var file = File.OpenRead(path);
            int length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            if (!TryParse(text.AsSpan(0, length), key) || !Secp256k1.IsValidPrivateKey(key))
                throw new InvalidDataException($"The node key file {path} does not hold a private key: it must be {Digits} hex digits.");
            return new NodeKey(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Loads the key, or makes one and writes it, readable for its owner only.</summary>
    /// <exception cref="IOException">As <see cref="Load"/>; or it cannot be written.</exception>
    public static NodeKey LoadOrCreate(string path)
    {
        if (File.Exists(path))
            return Load(path);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory)
            Directory.CreateDirectory(directory);
        var temporary = path + ".new";
        Write(temporary);
        // Linked under its name only when whole, and never over a key that somebody else has written meanwhile.
        File.Move(temporary, path, overwrite: false);
        return Load(path);
    }

    private static void Write(string path)
    {
        var key = GC.AllocateArray<byte>(32, pinned: true);
        var text = GC.AllocateArray<byte>(Digits, pinned: true);
        try
        {
            do
                RandomNumberGenerator.Fill(key);
            while (!Secp256k1.IsValidPrivateKey(key));
            for (int i = 0; i < key.Length; i++)
            {
                text[2 * i] = Digit(key[i] >> 4);
                text[2 * i + 1] = Digit(key[i] & 15);
            }
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(path, options);
            file.Write(text);
            file.Flush(flushToDisk: true);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, Span<byte> key)
    {
        text = text.Trim(" \t\r\n"u8);
        if (text.Length != Digits)
            return false;
        for (int i = 0; i < key.Length; i++)
        {
            int high = Value(text[2 * i]);
            int low = Value(text[2 * i + 1]);
            if (high < 0 || low < 0)
                return false;
            key[i] = (byte)(high << 4 | low);
        }
        return true;
    }

    private static byte Digit(int value) => (byte)(value < 10 ? '0' + value : 'a' + value - 10);

    private static int Value(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
