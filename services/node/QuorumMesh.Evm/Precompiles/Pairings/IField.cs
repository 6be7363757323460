using System.Numerics;
using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Evm.Precompiles.Bn254;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>A field with the operations that curve formulas need.</summary>
internal interface IField<T>
    where T : struct, IField<T>
{
    static abstract T Zero { get; }

    static abstract T One { get; }

    bool IsZero { get; }

    static abstract T operator +(in T a, in T b);

    static abstract T operator -(in T a, in T b);

    static abstract T operator -(in T a);

    static abstract T operator *(in T a, in T b);

    T Square();

    T Double();

    /// <summary>Zero for zero.</summary>
    T Inverse();

    bool SameAs(in T other);
}

/// <summary>A prime field under a tower Fp2 = Fp[u]/(u² + 1), Fp6 = Fp2[v]/(v³ - ξ), Fp12 = Fp6[w]/(w² - v).</summary>
internal interface IBaseField<T> : IField<T>
    where T : struct, IBaseField<T>
{
    static abstract BigInteger Characteristic { get; }

    /// <summary>ξ, of which w is the sixth root.</summary>
    static abstract Fp2<T> Xi { get; }

    static abstract Fp2<T> TimesXi(in Fp2<T> a);

    /// <summary>a·b + c·d.</summary>
    static abstract T SumOfProducts(in T a, in T b, in T c, in T d);
}
