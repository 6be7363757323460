using System.Buffers;
using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>
/// Encrypts and authenticates frames of one connection. Reading and writing keep separate state; each is for one caller at a
/// time.
/// </summary>
public sealed class FrameCodec : IDisposable
{
    /// <summary>Header cipher text and its MAC.</summary>
    public const int HeaderLength = 32;

    /// <summary>Frame sizes are 24-bit.</summary>
    public const int MaxFrameSize = (1 << 24) - 1;

    private const int MacLength = 16;

    private readonly AesCtr _encrypt;
    private readonly AesCtr _decrypt;
    private readonly MacChain _egress;
    private readonly MacChain _ingress;

    /// <summary>Begins both key streams and both MAC chains; the secrets' states are its own from here.</summary>
    public FrameCodec(RlpxSecrets secrets)
    {
        // RLPx starts the counter at zero. The key is fresh for each connection, so no key stream is used twice.
        Span<byte> zeroIv = stackalloc byte[16];
        zeroIv.Clear();
        _encrypt = new AesCtr(secrets.Aes, zeroIv);
        _decrypt = new AesCtr(secrets.Aes, zeroIv);
        _egress = new MacChain(secrets.EgressMac, secrets.Mac);
        _ingress = new MacChain(secrets.IngressMac, secrets.Mac);
    }

    /// <summary>Bytes that follow the header of a frame of this size: padded data and MAC.</summary>
    public static int BodyLength(int frameSize) => Padded(frameSize) + MacLength;

    /// <summary>Appends one frame of the two parts of its data.</summary>
    /// <exception cref="ArgumentException">Longer than 2^24 - 1 bytes.</exception>
    public void Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, IBufferWriter<byte> output)
    {
        int size = first.Length + second.Length;
        if (size > MaxFrameSize)
            throw new ArgumentException($"A frame of {size} bytes is longer than RLPx allows.");
        int total = HeaderLength + BodyLength(size);
        var frame = output.GetSpan(total)[..total];
        frame.Clear();
        WriteHeader(size, frame[..HeaderLength]);
        var body = frame[HeaderLength..^MacLength];
        first.CopyTo(body);
        second.CopyTo(body[first.Length..]);
        _encrypt.Apply(body);
        _egress.OfBody(body, frame[^MacLength..]);
        output.Advance(total);
    }

    /// <summary>Checks and decrypts a header in place; returns the frame's size.</summary>
    /// <exception cref="RlpxException">Wrong MAC.</exception>
    public int ReadHeader(Span<byte> header)
    {
        Span<byte> mac = stackalloc byte[MacLength];
        _ingress.OfHeader(header[..16], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, header[16..HeaderLength]))
            throw new RlpxException("Wrong MAC on a frame header.");
        _decrypt.Apply(header[..16]);
        return (header[0] << 16) | (header[1] << 8) | header[2];
    }

    /// <summary>Checks and decrypts a body (of <see cref="BodyLength"/>) in place; the first bytes are the frame's data.</summary>
    /// <exception cref="RlpxException">Wrong MAC.</exception>
    public void ReadBody(Span<byte> body)
    {
        Span<byte> mac = stackalloc byte[MacLength];
        var data = body[..^MacLength];
        _ingress.OfBody(data, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, body[^MacLength..]))
            throw new RlpxException("Wrong MAC on a frame.");
        _decrypt.Apply(data);
    }

    public void Dispose()
    {
        _encrypt.Dispose();
        _decrypt.Dispose();
        _egress.Dispose();
        _ingress.Dispose();
    }

    private void WriteHeader(int size, Span<byte> header)
    {
        header[0] = (byte)(size >> 16);
        header[1] = (byte)(size >> 8);
        header[2] = (byte)size;
        // Header data: the RLP list [0, 0] (capability and context ids, unused).
        header[3] = 0xc2;
        header[4] = 0x80;
        header[5] = 0x80;
        _encrypt.Apply(header[..16]);
        _egress.OfHeader(header[..16], header[16..]);
    }

    private static int Padded(int size) => (size + 15) & ~15;

    /// <summary>The running Keccak state of one direction.</summary>
    private sealed class MacChain : IDisposable
    {
        private readonly KeccakState _state;
        private readonly Aes _aes;
        private readonly ICryptoTransform _whitener;
        private readonly byte[] _digest = new byte[32];
        private readonly byte[] _block = new byte[16];

        public MacChain(KeccakState state, byte[] macSecret)
        {
            _state = state;
            _aes = Aes.Create();
            _aes.Mode = CipherMode.ECB;
            _aes.Padding = PaddingMode.None;
            _aes.Key = macSecret;
            _whitener = _aes.CreateEncryptor();
        }

        // RLPx's own construction (devp2p rlpx.md, "MAC"): the digest so far, whitened with AES, goes back into the state. So
        // each MAC covers all frames before it, and none can be left out, repeated or moved.
        public void OfHeader(ReadOnlySpan<byte> cipherText, Span<byte> mac)
        {
            _state.Digest(_digest);
            Whiten(cipherText, mac);
        }

        public void OfBody(ReadOnlySpan<byte> cipherText, Span<byte> mac)
        {
            _state.Update(cipherText);
            _state.Digest(_digest);
            Span<byte> seed = stackalloc byte[16];
            _digest.AsSpan(0, 16).CopyTo(seed);
            Whiten(seed, mac);
        }

        public void Dispose()
        {
            _whitener.Dispose();
            _aes.Dispose();
        }

        private void Whiten(ReadOnlySpan<byte> seed, Span<byte> mac)
        {
            _whitener.TransformBlock(_digest, 0, 16, _block, 0);
            for (int i = 0; i < _block.Length; i++)
                _block[i] ^= seed[i];
            _state.Update(_block);
            _state.Digest(_digest);
            _digest.AsSpan(0, 16).CopyTo(mac);
        }
    }
}
