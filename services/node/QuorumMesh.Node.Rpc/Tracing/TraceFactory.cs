using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Makes the tracers that a request asks for, in the shape of the chain's GoQuorum generation.</summary>
internal sealed class TraceFactory(TraceConfig config, TraceRules rules, Fork fork, TraceBudget budget)
{
    private readonly TraceErrors _errors = new(rules, fork);

    public static IReadOnlyList<string> Names { get; } = ["callTracer", "prestateTracer", "4byteTracer", "noopTracer"];

    /// <param name="privateBefore">Null for a public transaction.</param>
    /// <param name="authorities">Of the transaction's authorisations.</param>
    public Trace Create(IStateReader publicBefore, IStateReader? privateBefore, IEnumerable<Address?> authorities) => config.Tracer switch
    {
        "callTracer" => new CallTrace(new CallTracer(CallOptions(), _errors, fork, budget)),
        "prestateTracer" => Prestate(publicBefore, privateBefore, authorities),
        "4byteTracer" => new FourByteTrace(new FourByteTracer(fork, budget)),
        "noopTracer" => new NoTrace(),
        _ => new StructTrace(new StructTracer(config.StructLogs with { ShowsReads = rules.ShowsReads }, _errors, budget), _errors),
    };

    private CallTracerOptions CallOptions() => new()
    {
        OnlyTopCall = config.OnlyTopCall,
        WithLog = config.WithLog,
        KeepsRevertData = rules.KeepsRevertData,
        ShowsSelfDestruct = rules.ShowsSelfDestruct,
    };

    private PrestateTrace Prestate(IStateReader publicBefore, IStateReader? privateBefore, IEnumerable<Address?> authorities)
    {
        var tracer = new PrestateTracer(publicBefore, privateBefore, keepsZeros: rules.PrestateKeepsZeros, budget);
        tracer.Include(authorities.OfType<Address>());
        return new PrestateTrace(tracer, config.DiffMode);
    }
}
