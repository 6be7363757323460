using System.Runtime.Intrinsics.X86;
using CsCheck;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Tests;

/// <summary>BLAKE2b's compression function (EIP-152): the EIP's vectors, and vectors of words against vectors of four.</summary>
public class Blake2BTests
{
    private const string Initial =
        "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b";

    /// <summary>Vectors 4 to 7 of EIP-152: the message "abc". The second is RFC 7693's digest.</summary>
    [Theory]
    [InlineData(0, 1, "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b")]
    [InlineData(12, 1, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923")]
    [InlineData(12, 0, "75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d2875298743e7f6d5ea2f2d3e8d226039cd31b4e426ac4f2d3d666a610c2116fde4735")]
    [InlineData(1, 1, "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fba551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421")]
    public void The_vectors_of_the_proposal_hold(byte rounds, byte last, string expected)
    {
        byte[] input = [0, 0, 0, rounds, .. Convert.FromHexString(Initial), .. "abc"u8, .. new byte[125], 3, .. new byte[15], last];
        var precompile = new Blake2FPrecompile();
        Assert.Equal(rounds, precompile.Gas(input));
        Assert.Equal(expected, Hex.ToHex(precompile.Run(input)!)[2..]);
    }

    /// <summary>Vectors 0 to 3 of EIP-152: too short, too long, a flag that is neither 0 nor 1.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(212, 0)]
    [InlineData(214, 0)]
    [InlineData(213, 2)]
    public void Wrong_input_fails(int length, byte last)
    {
        byte[] input = new byte[length];
        if (length > 0) input[^1] = last;
        Assert.Null(new Blake2FPrecompile().Run(input));
    }

    [Fact]
    public void Vectors_and_words_agree()
    {
        if (!Avx2.IsSupported) return;
        Gen.Select(Gen.ULong.Array[16], Gen.ULong.Array[16], Gen.UInt[0, 1000]).Sample(
            (state, message, rounds) =>
            {
                ulong[] vectors = [.. state], words = [.. state];
                Blake2B.MixVectors(vectors, message, rounds);
                Blake2B.MixWords(words, message, rounds);
                Assert.Equal(words, vectors);
            },
            iter: 2000);
    }
}
