namespace QuorumMesh.Benchmarks;

/// <summary>The same numbers in every run (a linear congruential generator with the constants of Numerical Recipes).</summary>
internal sealed class LinearRandom(uint seed)
{
    private uint _state = seed;

    public int Below(int bound)
    {
        _state = _state * 1664525 + 1013904223;
        return (int)((ulong)_state * (ulong)bound >> 32);
    }
}
