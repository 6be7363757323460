using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for a seed on every runtime.</summary>
public sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A stream of its own for each purpose and index, so that one program can be made again without those before it.</summary>
    public static FuzzRandom For(ulong seed, ulong purpose, ulong index)
    {
        var mixer = new FuzzRandom(seed ^ purpose * 0xd1342543de82ef95);
        return new FuzzRandom(mixer.Next() ^ new FuzzRandom(index).Next());
    }

    public ulong Next()
    {
        ulong z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(Next() % (ulong)count);

    /// <summary>Both ends included.</summary>
    public int Between(int least, int most) => least + Below(most - least + 1);

    public ulong Between(ulong least, ulong most) => least + Next() % (most - least + 1);

    public bool OneIn(int count) => Below(count) == 0;

    public T Pick<T>(IReadOnlyList<T> of) => of[Below(of.Count)];

    public byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte)Next();
        return bytes;
    }

    /// <summary>
    /// A word where arithmetic has its edges: small numbers and their negatives, powers of two and their neighbours, limbs of
    /// zeros and ones.
    /// </summary>
    public UInt256 Word() => Below(9) switch
    {
        0 => new UInt256((ulong)Below(4)),
        1 => new UInt256((ulong)Below(300)),
        2 => UInt256.Zero - new UInt256((ulong)Below(300)),
        3 => PowerOfTwo() - new UInt256((ulong)Below(2)),
        4 => PowerOfTwo() + new UInt256((ulong)Below(2)),
        5 => new UInt256(Limb(), Limb(), Limb(), Limb()),
        6 => new UInt256(Next()),
        7 => new UInt256(Next(), Next()),
        _ => new UInt256(Next(), Next(), Next(), Next()),
    };

    private UInt256 PowerOfTwo()
    {
        int bit = Below(256);
        ulong limb = 1UL << (bit & 63);
        return (bit >> 6) switch
        {
            0 => new UInt256(limb),
            1 => new UInt256(0, limb),
            2 => new UInt256(0, 0, limb),
            _ => new UInt256(0, 0, 0, limb)
        };
    }

    private ulong Limb() => Below(6) switch
    {
        0 => 0,
        1 => 1,
        2 => ulong.MaxValue,
        3 => 1UL << 63,
        4 => ulong.MaxValue >> Below(64),
        _ => Next()
    };
}
