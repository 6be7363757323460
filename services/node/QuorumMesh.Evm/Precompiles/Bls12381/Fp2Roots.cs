using QuorumMesh.Evm.Precompiles.Pairings;

namespace QuorumMesh.Evm.Precompiles.Bls12381;

/// <summary>Square roots in Fp2 by those of the norm.</summary>
internal static class Fp2Roots
{
    public static bool IsOdd(in Fp2<Fp> a) => a.Re.IsOdd || a.Re.IsZero && a.Im.IsOdd;

    public static bool IsUpperHalf(in Fp2<Fp> a) => a.Im.IsZero ? a.Re.IsUpperHalf : a.Im.IsUpperHalf;

    public static bool TrySquareRoot(in Fp2<Fp> a, out Fp2<Fp> root)
    {
        root = default;
        if (a.Im.IsZero)
        {
            if (a.Re.TrySquareRoot(out Fp real))
            {
                root = new Fp2<Fp>(real, Fp.Zero);
                return true;
            }

            // -1 is no square, so of a and -a one is.
            if (!(-a.Re).TrySquareRoot(out Fp imaginary)) return false;
            root = new Fp2<Fp>(Fp.Zero, imaginary);
            return true;
        }

        if (!(a.Re.Square() + a.Im.Square()).TrySquareRoot(out Fp norm)) return false;
        if (!((a.Re + norm) * Fp.Half).TrySquareRoot(out Fp x) && !((a.Re - norm) * Fp.Half).TrySquareRoot(out x)) return false;
        root = new Fp2<Fp>(x, a.Im * x.Double().Inverse());
        return root.Square().SameAs(a);
    }
}
