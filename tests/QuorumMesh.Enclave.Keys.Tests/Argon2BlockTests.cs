namespace QuorumMesh.Enclave.Keys.Tests;

/// <summary>Argon2's compression function comes to the same whatever the processor has.</summary>
public sealed unsafe class Argon2BlockTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_processor_comes_to_the_same_block(bool keep)
    {
        var random = new Random(7);
        for (var round = 0; round < 100; round++)
        {
            var (previous, reference, next) = (Block(random), Block(random), Block(random));
            var portable = next.ToArray();
            fixed (ulong* a = previous, b = reference, own = next, other = portable)
            {
                Argon2Block.Fill(a, b, own, keep);
                Argon2Block.FillPortably(a, b, other, keep);
            }
            Assert.Equal(portable, next);
        }
    }

    private static ulong[] Block(Random random) =>
        [.. Enumerable.Range(0, Argon2Block.Words).Select(_ => (ulong)random.NextInt64(long.MinValue, long.MaxValue))];
}
