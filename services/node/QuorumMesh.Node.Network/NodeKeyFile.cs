using System.Buffers;
using System.Security.Cryptography;
using QuorumMesh.Files;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network;

/// <summary>
/// The node key as geth keeps it: a file of 64 hex digits (<c>geth/nodekey</c> in the data directory, or <c>--nodekey</c>).
/// </summary>
public static class NodeKeyFile
{
    private const int KeySize = 32;
    private const int Digits = 2 * KeySize;
    private const int MaxLength = 256;

    /// <exception cref="IOException">Missing, unreadable, or not a node key.</exception>
    public static NodeKey Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"The node key file {path} does not exist: create it (64 hex digits) or leave the setting out.", path);
        var text = GC.AllocateArray<byte>(MaxLength, pinned: true);
        Span<byte> key = stackalloc byte[KeySize];
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

    /// <summary>
    /// Loads the key, or makes one and writes it for its owner only: whole and flushed before anybody knows the node by it, and
    /// never over another.
    /// </summary>
    /// <exception cref="IOException">As <see cref="Load"/>; or it cannot be written.</exception>
    public static NodeKey LoadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory) MakeDirectory(directory);
            Create(path);
        }
        return Load(path);
    }

    private static void MakeDirectory(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, DurableFile.OwnerOnly | UnixFileMode.UserExecute);
    }

    private static void Create(string path)
    {
        Span<byte> key = stackalloc byte[KeySize];
        Span<byte> digits = stackalloc byte[Digits];
        try
        {
            do
                RandomNumberGenerator.Fill(key);
            while (!Secp256k1.IsValidPrivateKey(key));
            Convert.TryToHexStringLower(key, digits, out _);
            DurableFile.WriteNew(path, digits, DurableFile.OwnerOnly);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(digits);
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, Span<byte> key)
    {
        text = text.Trim(" \t\r\n"u8);
        return text.Length == Digits && Convert.FromHexString(text, key, out _, out _) == OperationStatus.Done;
    }
}
