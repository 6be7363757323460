using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>AES in counter mode: one continuous key stream, used up call by call.</summary>
internal sealed class AesCtr : IDisposable
{
    private const int BlockSize = 16;
    private const int ChunkSize = 2048;

    private readonly Aes _aes;
    private readonly ICryptoTransform _encryptor;
    private readonly byte[] _counters = new byte[ChunkSize];
    private readonly byte[] _keyStream = new byte[ChunkSize];
    private UInt128 _counter;
    private int _used;
    private int _filled;

    public AesCtr(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv)
    {
        _aes = Aes.Create();
        // Counter mode is made of it: .NET has none of its own.
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _aes.Key = key.ToArray();
        _encryptor = _aes.CreateEncryptor();
        _counter = BinaryPrimitives.ReadUInt128BigEndian(iv);
    }

    /// <summary>Encrypts or decrypts in place.</summary>
    public void Apply(Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (_used == _filled)
                Refill(data.Length);
            int count = Math.Min(data.Length, _filled - _used);
            Xor(data[..count], _keyStream.AsSpan(_used, count));
            _used += count;
            data = data[count..];
        }
    }

    public void Dispose()
    {
        _encryptor.Dispose();
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_keyStream);
    }

    private void Refill(int wanted)
    {
        int size = Math.Min(ChunkSize, (wanted + BlockSize - 1) / BlockSize * BlockSize);
        for (int offset = 0; offset < size; offset += BlockSize)
            BinaryPrimitives.WriteUInt128BigEndian(_counters.AsSpan(offset), _counter++);
        _encryptor.TransformBlock(_counters, 0, size, _keyStream, 0);
        _used = 0;
        _filled = size;
    }

    private static void Xor(Span<byte> data, ReadOnlySpan<byte> mask)
    {
        int words = data.Length / sizeof(ulong);
        var dataWords = MemoryMarshal.Cast<byte, ulong>(data[..(words * sizeof(ulong))]);
        var maskWords = MemoryMarshal.Cast<byte, ulong>(mask[..(words * sizeof(ulong))]);
        for (int i = 0; i < dataWords.Length; i++)
            dataWords[i] ^= maskWords[i];
        for (int i = words * sizeof(ulong); i < data.Length; i++)
            data[i] ^= mask[i];
    }
}
