namespace QuorumMesh.Fuzz;

/// <param name="Index">Of the program; with the seed it gives the case again.</param>
/// <param name="Case">Minimised.</param>
public sealed record FuzzFailure(ulong Index, string Difference, FuzzCase Case);
