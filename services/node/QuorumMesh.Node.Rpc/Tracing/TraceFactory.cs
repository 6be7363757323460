using QuorumMesh.Chain;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Makes the tracers that a request asks for, in the shape of the chain's GoQuorum generation.</summary>
internal sealed class TraceFactory(TraceConfig config, CompatibilityProfile profile, Fork fork, TraceBudget budget)
{
    private readonly TraceErrors _errors = new(profile, fork);

    /// <summary>geth 1.9.20 and later.</summary>
    private readonly bool _isLate = profile != CompatibilityProfile.V2_5 && profile != CompatibilityProfile.V2_6;

    public static IReadOnlyList<string> Names { get; } = ["callTracer", "prestateTracer", "4byteTracer", "noopTracer"];

    /// <param name="privateBefore">Null for a public transaction.</param>
    /// <param name="authorities">Of the transaction's authorisations.</param>
    public Trace Create(IStateReader publicBefore, IStateReader? privateBefore, IEnumerable<Address?> authorities) => config.Tracer switch
    {
        "callTracer" => new CallTrace(new CallTracer(CallOptions(), _errors, fork, budget)),
        "prestateTracer" => Prestate(publicBefore, privateBefore, authorities),
        "4byteTracer" => new FourByteTrace(new FourByteTracer(fork, budget)),
        "noopTracer" => new NoTrace(),
        _ => new StructTrace(new StructTracer(config.StructLogs with { ShowsReads = _isLate }, _errors, budget), _errors),
    };

    private CallTracerOptions CallOptions() => new()
    {
        OnlyTopCall = config.OnlyTopCall,
        WithLog = config.WithLog,
        KeepsRevertData = profile.KnowsBerlin,
        ShowsSelfDestruct = profile == CompatibilityProfile.V24,
    };

    private PrestateTrace Prestate(IStateReader publicBefore, IStateReader? privateBefore, IEnumerable<Address?> authorities)
    {
        var tracer = new PrestateTracer(publicBefore, privateBefore, keepsZeros: profile != CompatibilityProfile.V2_5, budget);
        tracer.Include(authorities.OfType<Address>());
        return new PrestateTrace(tracer, config.DiffMode);
    }
}
