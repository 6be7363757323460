namespace QuorumMesh.Chain;

/// <summary>A block breaks a rule. The message says which, and what was expected.</summary>
/// <param name="isHeader">See <see cref="IsHeader"/>.</param>
public sealed class InvalidBlockException(string message, bool isHeader = false) : Exception(message)
{
    /// <summary>
    /// It is the header that breaks a rule of its engine, its seals for one: no network has decided on such a block. False also stands
    /// for a block that does not come out here as its header says.
    /// </summary>
    public bool IsHeader => isHeader;
}
