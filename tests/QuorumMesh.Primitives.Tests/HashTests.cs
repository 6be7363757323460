using System.Text;
using CsCheck;

namespace QuorumMesh.Primitives.Tests;

public class HashTests
{
    [Theory]
    [InlineData("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")]
    [InlineData("testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02")]
    public void Keccak256_known_answers(string text, string expected) =>
        Assert.Equal("0x" + expected, Keccak.Hash(Encoding.ASCII.GetBytes(text)).ToString());

    [Theory]
    [InlineData("", "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e")]
    [InlineData("abc", "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b19d77aa511a9d00bb96")]
    public void Keccak512_known_answers(string text, string expected) =>
        Assert.Equal(expected, Hex.ToHex(Keccak.Hash512(Encoding.ASCII.GetBytes(text)), prefix: false));

    [Theory]
    [InlineData("", "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26")]
    [InlineData("abc", "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0")]
    public void Sha3_known_answers(string text, string expected)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);
        Assert.Equal(expected, Hex.ToHex(Sha3.Hash512(data), prefix: false));
        Assert.Equal("0x" + expected, Sha3.HashPayload(data).ToString());
    }

    [Fact]
    public void Named_hashes_are_what_they_say()
    {
        Assert.Equal(Keccak.Hash([]), Hash256.EmptyCode);
        Assert.Equal(Keccak.Hash([0x80]), Hash256.EmptyTrie);
        Assert.Equal(Keccak.Hash([0xc0]), Hash256.EmptyUncles);
    }

    [Fact]
    public void Incremental_matches_one_shot_in_any_pieces() =>
        Gen.Byte.Array[0, 700].Select(Gen.Int[1, 300]).Sample((data, piece) =>
        {
            KeccakState state = new();
            for (int at = 0; at < data.Length; at += piece)
            {
                state.Update(data.AsSpan(at, Math.Min(piece, data.Length - at)));
                int end = Math.Min(at + piece, data.Length);
                Assert.Equal(Keccak.Hash(data.AsSpan(0, end)), state.Digest());
            }

            byte[] final = new byte[32];
            KeccakState copy = state.Clone();
            state.Finish(final);
            Assert.Equal(Keccak.Hash(data), new Hash256(final));
            Assert.Equal(Keccak.Hash([]), state.Digest());
            Assert.Equal(Keccak.Hash(data), copy.Digest());
        }, iter: 300);

    [Fact]
    public void Short_outputs_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Keccak.Hash([], new byte[31]));
        Assert.Throws<ArgumentException>(() => new KeccakState().Digest(new byte[31]));
    }
}
