namespace QuorumMesh.Evm;

/// <summary>Compile-time switch: without a tracer the loop holds no trace code at all.</summary>
internal interface ITraceMode
{
    static abstract bool Enabled { get; }
}

internal readonly struct TraceOff : ITraceMode
{
    public static bool Enabled => false;
}

internal readonly struct TraceOn : ITraceMode
{
    public static bool Enabled => true;
}
