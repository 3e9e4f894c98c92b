package conveyor_test

// Calls that a server has no room for, against a scripted server.

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/open-ug/conveyor/clients/go"
	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// crowded refuses calls, and keeps what it was asked.
type crowded struct {
	conveyorv1.UnimplementedResourceServiceServer
	conveyorv1.UnimplementedRunServiceServer
	conveyorv1.UnimplementedLogServiceServer
	// How many calls are refused, and how.
	refuses int
	refusal error
	asked   []proto.Message
}

// noRoom is how a server refuses that has fallen behind.
func noRoom(comeBack time.Duration) error {
	refusal := status.New(codes.ResourceExhausted, "the disk is behind")
	refusal, err := refusal.WithDetails(
		&errdetails.ErrorInfo{Reason: "OVERLOADED", Domain: "conveyor"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(comeBack)},
	)
	if err != nil {
		panic(err)
	}
	return refusal.Err()
}

func (c *crowded) hears(request proto.Message) error {
	c.asked = append(c.asked, request)
	if len(c.asked) <= c.refuses {
		return c.refusal
	}
	return nil
}

func (c *crowded) ApplyResourceDefinition(_ context.Context, request *conveyorv1.ApplyResourceDefinitionRequest) (*conveyorv1.ResourceDefinition, error) {
	return request.ResourceDefinition, c.hears(request)
}

func (c *crowded) CreateResource(_ context.Context, request *conveyorv1.CreateResourceRequest) (*conveyorv1.ResourceChange, error) {
	return &conveyorv1.ResourceChange{Resource: request.Resource, RunId: "run"}, c.hears(request)
}

func (c *crowded) ApplyResource(_ context.Context, request *conveyorv1.ApplyResourceRequest) (*conveyorv1.ResourceChange, error) {
	return &conveyorv1.ResourceChange{Resource: request.Resource, RunId: "run"}, c.hears(request)
}

func (c *crowded) StartRun(_ context.Context, request *conveyorv1.StartRunRequest) (*conveyorv1.Run, error) {
	return &conveyorv1.Run{Id: "run"}, c.hears(request)
}

func (c *crowded) AppendLogs(stream conveyorv1.LogService_AppendLogsServer) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := c.hears(request); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return status.Error(codes.InvalidArgument, "more than one batch")
	}
	return stream.SendAndClose(&conveyorv1.AppendLogsResponse{Count: uint64(len(request.Entries))})
}

// startCrowded starts a server that refuses so many calls, and a client of it.
func startCrowded(t *testing.T, refuses int, refusal error) (*crowded, *conveyor.Client) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	script, server := &crowded{refuses: refuses, refusal: refusal}, grpc.NewServer()
	conveyorv1.RegisterResourceServiceServer(server, script)
	conveyorv1.RegisterRunServiceServer(server, script)
	conveyorv1.RegisterLogServiceServer(server, script)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := conveyor.Connect(context.Background(), "http://"+listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return script, client
}

func TestWhatTheServerHasNoRoomForIsAskedAgainInTheSameWords(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	const least = 20 * time.Millisecond
	for name, call := range map[string]func(*conveyor.Client) error{
		"define": func(client *conveyor.Client) error {
			return client.Define(ctx, "count", map[string]string{"type": "object"})
		},
		"create": func(client *conveyor.Client) error {
			_, runID, err := client.Create(ctx, conveyor.Resource{Definition: "count", Name: "one"})
			if err == nil && runID != "run" {
				t.Errorf("create: the run is %q", runID)
			}
			return err
		},
		"apply": func(client *conveyor.Client) error {
			_, _, err := client.Apply(ctx, conveyor.Resource{Definition: "count", Name: "one"})
			return err
		},
		"start": func(client *conveyor.Client) error {
			request := &conveyorv1.StartRunRequest{Resource: "count", Name: "one", RequestId: "mine"}
			_, err := conveyor.Retried(ctx, func(ctx context.Context) (*conveyorv1.Run, error) {
				return client.Runs().StartRun(ctx, request)
			})
			return err
		},
		"append": func(client *conveyor.Client) error {
			batch := &conveyorv1.AppendLogsRequest{Entries: []*conveyorv1.LogEntry{{RunId: "run", Message: "hello"}}}
			_, err := conveyor.Retried(ctx, func(ctx context.Context) (*conveyorv1.AppendLogsResponse, error) {
				stream, err := client.Logs().AppendLogs(ctx)
				if err != nil {
					return nil, err
				}
				// What is wrong with it the answer says.
				_ = stream.Send(batch)
				return stream.CloseAndRecv()
			})
			return err
		},
	} {
		script, client := startCrowded(t, 3, noRoom(least))
		began := time.Now()
		if err := call(client); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if waited := time.Since(began); waited < 3*least {
			t.Errorf("%s: three times %v was to be waited, and it was %v", name, least, waited)
		}
		if len(script.asked) != 4 {
			t.Errorf("%s: it was asked %d times", name, len(script.asked))
		}
		for _, asked := range script.asked {
			if !proto.Equal(asked, script.asked[0]) {
				t.Errorf("%s: it was asked %v, and then %v", name, script.asked[0], asked)
			}
		}
	}
}

func TestWhatIsRefusedForGoodIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		refusal error
		asked   int
	}{
		"again and again":       {noRoom(time.Millisecond), 6},
		"no word of a new try":  {status.Error(codes.ResourceExhausted, "the disk is behind"), 1},
		"something else, alike": {status.Error(codes.Unavailable, "the disk is behind"), 1},
	} {
		script, client := startCrowded(t, 100, c.refusal)
		_, _, err := client.Create(context.Background(), conveyor.Resource{Definition: "count", Name: "one"})
		if status.Convert(err).Message() != "the disk is behind" || len(script.asked) != c.asked {
			t.Errorf("%s: asked %d times, and then %v", name, len(script.asked), err)
		}
	}
}

func TestWaitForRoomEndsWithItsContext(t *testing.T) {
	script, client := startCrowded(t, 100, noRoom(time.Hour))
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, _, err := client.Create(ctx, conveyor.Resource{Definition: "count", Name: "one"})
	if err == nil || ctx.Err() == nil || len(script.asked) > 1 {
		t.Errorf("asked %d times, and then %v", len(script.asked), err)
	}
}
