namespace QuorumMesh.Node.Network.Peers;

/// <summary>A sub-protocol name and version, as Hello lists them.</summary>
public readonly record struct Capability(string Name, int Version)
{
    public override string ToString() => $"{Name}/{Version}";
}
